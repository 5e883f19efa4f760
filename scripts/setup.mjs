// Makes a clone ready to run: dependencies, redis-server, libjpeg-turbo, build, model weights. Safe to run again; the
// second time it only looks. Plain JavaScript without dependencies, because it runs before there are any.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const REQUIRED_NODE = [20, 9];

checkNode();
installDependencies();
provideRedis();
provideLibjpegTurbo();
lookForChromium();
build();
pullModels();

/** One line a step, so that a person sees what takes long. */
function say(step, text) {
  console.log(`setup: ${step.padEnd(12)} ${text}`);
}

/** Ends with one line that says what to do. */
function fail(step, text) {
  console.error(`setup: ${step}: ${text}`);
  process.exit(1);
}

/** Runs a program to its end; its output is shown only when it fails. */
function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26, ...options });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.trim();
  return { ok: result.status === 0, output };
}

function runOrFail(step, program, args, options) {
  const { ok, output } = run(program, args, options);
  if (ok) return output;
  console.error(output);
  return fail(step, `"${[program, ...args].join(' ')}" failed; its output is above`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > REQUIRED_NODE[0] || (major === REQUIRED_NODE[0] && minor >= REQUIRED_NODE[1])) return;
  fail('node', `expected Node ${REQUIRED_NODE.join('.')} or later, found ${process.versions.node}`);
}

function installDependencies() {
  if (isInstalled()) return say('dependencies', 'up to date');
  say('dependencies', 'npm ci …');
  // Nothing here needs an install script: the native parts come as prebuilt packages. The scripts that exist fetch
  // CUDA libraries, which a CUDA machine asks for itself (README).
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  if (npm !== undefined && /npm-cli\.c?js$/.test(npm))
    runOrFail('dependencies', process.execPath, [npm, ...args]);
  else runOrFail('dependencies', 'npm', args, { shell: process.platform === 'win32' });
}

/** Whether node_modules holds what package-lock.json asks for, by npm's own record of what it installed. */
function isInstalled() {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const asked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const found = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(asked).every(([path, { version, optional, dev, devOptional }]) => {
    if (path === '') return true;
    // Optional packages of other platforms are not installed.
    if (found[path] === undefined) return optional === true || (devOptional === true && dev !== true);
    return found[path].version === version;
  });
}

function provideRedis() {
  const found = redisVersion();
  if (found !== undefined) return say('redis-server', found);
  if (process.env.REDIS_URL) return say('redis-server', 'not installed; REDIS_URL names a Redis');
  if (canInstall()) {
    say('redis-server', 'apt-get install …');
    aptInstallRedis();
    const version = redisVersion();
    if (version !== undefined) return say('redis-server', version);
  }
  const how = {
    darwin: 'brew install redis',
    linux: 'sudo apt-get install redis-server (or your package manager)',
  };
  return fail(
    'redis-server',
    `not found; ${how[process.platform] ?? 'install Redis 6.2 or later'}, then run this again`,
  );
}

/** Decodes JPEGs in less than half the time, to the same pixels: good to have, nothing fails without it. */
function provideLibjpegTurbo() {
  const step = 'libjpeg-turbo';
  if (process.platform !== 'linux') return;
  if (!hasLibjpegTurbo() && canInstall()) {
    say(step, 'apt-get install …');
    aptInstall('libturbojpeg0');
  }
  say(
    step,
    hasLibjpegTurbo() ? 'found' : 'not found: JPEGs are decoded by sharp (apt-get install libturbojpeg0)',
  );
}

/** Whether the system's loader knows it: that is how it is opened (src/worker/stages/libjpegTurbo.ts). */
function hasLibjpegTurbo() {
  return /libturbojpeg\.so\.0/.test(run('/sbin/ldconfig', ['-p']).output);
}

function canInstall() {
  return process.platform === 'linux' && process.getuid() === 0 && run('apt-get', ['--version']).ok;
}

/** Only the tests of `posecast dashboard` open a browser; it is large, so nobody is given one. */
function lookForChromium() {
  const places = [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ];
  const found = places.find((path) => path && existsSync(path));
  say(
    'chromium',
    found ?? 'not found: tests in a browser are skipped (apt-get install chromium, or CHROMIUM=path)',
  );
}

function redisVersion() {
  const { ok, output } = run('redis-server', ['--version']);
  return ok ? (/v=(\S+)/.exec(output)?.[1] ?? output) : undefined;
}

/** posecast starts its own servers: the package's service on port 6379 stays off. */
function aptInstallRedis() {
  const policy = '/usr/sbin/policy-rc.d';
  const ownPolicy = !existsSync(policy);
  if (ownPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    if (aptInstall('redis-server') && existsSync('/run/systemd/system'))
      run('systemctl', ['disable', '--now', 'redis-server']);
  } finally {
    if (ownPolicy) rmSync(policy);
  }
}

/** Whether it is installed now; what went wrong is printed. */
function aptInstall(name) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => run('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=120', ...args], { env });
  const install = () => apt('install', '--no-install-recommends', name);
  let result = install();
  if (!result.ok) {
    // The usual reason: package lists that are missing or old.
    apt('update');
    result = install();
  }
  if (!result.ok) console.error(result.output);
  return result.ok;
}

function build() {
  runOrFail('build', process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', '.']);
  say('build', 'done');
}

function pullModels() {
  const pull = spawnSync(process.execPath, [join('bin', 'posecast.js'), 'models', 'pull'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (pull.status !== 0) fail('models', 'could not be fetched; the reason is above');
  say('models', 'in the cache');
}
