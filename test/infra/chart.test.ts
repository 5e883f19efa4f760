/** The Helm chart, rendered by Helm: objects that Kubernetes and KEDA take, and what they promise to posecast. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { infra } from './files.ts';
import { needs, tool } from './full.ts';
import { type KubernetesObject, kubernetesProblems } from './kubernetes.ts';

const S3 = { out: 's3://bucket/night-1' };

type Values = Readonly<Record<string, unknown>>;
/** A pod's template, as far as the tests look. */
interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}
interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly livenessProbe?: { readonly exec: { readonly command: readonly string[] } };
  readonly resources: { readonly limits: Readonly<Record<string, unknown>> };
  readonly securityContext: Readonly<Record<string, unknown>>;
}

async function render(values: Values): Promise<KubernetesObject[]> {
  return withTempFolder(async (folder) => {
    const file = join(folder, 'values.yaml');
    await writeFile(file, stringify(values));
    const args = ['template', 'night', join(infra, 'helm', 'posecast'), '--namespace', 'faces'];
    const options = ['--kube-version', '1.31.0', '--values', file];
    const { stdout } = await promisify(execFile)(tool('helm'), [...args, ...options]);
    return parseAllDocuments(stdout)
      .map((document) => document.toJS() as KubernetesObject | null)
      .filter((object) => object !== null);
  });
}

function podOf(objects: readonly KubernetesObject[], kind: string, ending: string): PodSpec {
  const found = objects.find((object) => object.kind === kind && object.metadata.name.includes(ending));
  assert.ok(found !== undefined, `a ${kind} …${ending}`);
  return (found as unknown as { spec: { template: { spec: PodSpec } } }).spec.template.spec;
}

const CASES: Readonly<Record<string, Values>> = {
  'as it comes': { run: S3 },
  'on the CPU, without KEDA, into a folder': {
    run: { out: '/out/night-1', options: ['--variants', '20'] },
    corpus: {
      mountPath: '/corpus',
      volume: { persistentVolumeClaim: null, nfs: { server: 'nfs.example', path: '/f', readOnly: true } },
    },
    worker: {
      ...{ device: 'cpu', gpu: null, threads: 4, batch: 8, replicas: 3, tolerations: [] },
      extraVolumes: [{ name: 'out', persistentVolumeClaim: { claimName: 'out' } }],
      extraVolumeMounts: [{ name: 'out', mountPath: '/out' }],
      extraEnv: [{ name: 'POSECAST_REGISTRY', value: '/out/models.json' }],
    },
    models: { names: ['mtcnn', 'arcface-r50'], existingClaim: 'models' },
  },
  'a batch that the worker looks for itself': { run: S3, worker: { batch: 'probe' } },
  'scaled by KEDA, on a Redis and a store outside': {
    run: S3,
    store: { existingSecret: 'store', region: 'eu-central-1', endpoint: 'https://store.example' },
    redis: { existingSecret: 'queue' },
    keda: { enabled: true, maxReplicas: 40 },
    metrics: { podMonitor: { enabled: true, labels: { release: 'prometheus' } } },
    worker: {
      ...{ nodeSelector: { pool: 'gpu' }, priorityClassName: 'batch', runtimeClassName: 'nvidia' },
      affinity: { nodeAffinity: {} },
      podAnnotations: { 'example.org/a': 'b' },
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
      ],
    },
    images: { pullSecrets: [{ name: 'registry' }] },
    serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/r' } },
    producer: { nodeSelector: { pool: 'cpu' }, tolerations: [{ key: 'cpu', operator: 'Exists' }] },
  },
  "scaled by KEDA, on the chart's own Redis": { run: S3, keda: { enabled: true } },
  'workers alone, no extras, no volume': {
    corpus: { volume: null },
    ...{ run: { enabled: false }, podDisruptionBudget: { enabled: false } },
    ...{ networkPolicy: { enabled: false }, serviceAccount: { create: false, name: 'default' } },
    ...{ exporter: { enabled: false }, metrics: { port: null, annotations: false } },
  },
};

test(
  'whatever the values, the chart gives objects that Kubernetes, KEDA and the Prometheus operator know, field by field',
  needs('helm', 'kubernetes'),
  async (t) => {
    for (const [name, values] of Object.entries(CASES)) {
      await t.test(name, async () => {
        const objects = await render(values);
        assert.deepEqual(await kubernetesProblems(objects, tool('kubernetes')), []);
      });
    }
  },
);

test(
  'the check of fields notices a field that does not exist, and a value of the wrong kind',
  needs('helm', 'kubernetes'),
  async () => {
    const objects = await render(CASES["scaled by KEDA, on the chart's own Redis"]!);
    const scaled = objects.find(({ kind }) => kind === 'ScaledObject') as unknown as { spec: object };
    const problems = (spec: object) =>
      kubernetesProblems(
        [{ ...scaled, spec: { ...scaled.spec, ...spec } } as unknown as KubernetesObject],
        tool('kubernetes'),
      );
    assert.match((await problems({ maxReplicas: 3 })).join(), /maxReplicas/);
    assert.match((await problems({ pollingInterval: '15' })).join(), /pollingInterval/);
  },
);

test('Helm lints the chart without a warning', needs('helm'), async () => {
  const { stdout } = await promisify(execFile)(tool('helm'), [
    'lint',
    '--strict',
    join(infra, 'helm', 'posecast'),
  ]);
  assert.match(stdout, /1 chart\(s\) linted, 0 chart\(s\) failed/);
});

test(
  'a value that is misspelt, out of range or missing is refused with its name',
  needs('helm'),
  async () => {
    const refused = async (values: Values, message: RegExp) => {
      await assert.rejects(render(values), (error: Error & { stderr: string }) => {
        assert.match(error.stderr, message);
        return true;
      });
    };
    await refused({}, /run\.out: expected s3:\/\/bucket\/prefix/);
    await refused({ run: { ...S3, option: [] } }, /option/);
    await refused({ run: { out: 'bucket/prefix' } }, /run\.?.*out/s);
    await refused({ run: S3, worker: { device: 'gpu' } }, /device/);
    await refused({ run: S3, worker: { grace: -1 } }, /grace/);
    await refused({ run: S3, worker: { batch: 'fastest' } }, /batch/);
    await refused({ run: S3, keda: { enabled: true, runIds: [] } }, /runIds/);
    const notHeld = /run\.corpus: expected .* under corpus\.mountPath.*found \/corpus/;
    await refused({ run: S3, corpus: { mountPath: '/data' } }, notHeld);
    await refused({ run: S3, corpus: { volume: null } }, notHeld);
    await refused(
      { run: S3, keda: { enabled: true }, exporter: { enabled: false } },
      /expected exporter\.enabled/,
    );
  },
);

test(
  'a pod has the time after SIGTERM that its worker takes, and is looked at by its consumption',
  needs('helm'),
  async () => {
    const pod = podOf(
      await render({ run: S3, worker: { grace: 600, stuckAfter: 1_850 } }),
      'Deployment',
      '-worker',
    );
    const [worker] = pod.containers;
    assert.equal(pod.terminationGracePeriodSeconds, 630);
    assert.equal(worker!.args[worker!.args.indexOf('--grace') + 1], '600');
    assert.equal(worker!.args[worker!.args.indexOf('--stuck-after') + 1], '1850');
    const file = worker!.args[worker!.args.indexOf('--liveness-file') + 1];
    assert.deepEqual(worker!.livenessProbe?.exec.command, ['sh', '-c', `find ${file} -mmin -31 | grep -q .`]);
  },
);

test('models are fetched with the environment and the mounts of the worker', needs('helm'), async () => {
  const env = { name: 'POSECAST_REGISTRY', value: '/registry/models.json' };
  const mount = { name: 'registry', mountPath: '/registry' };
  const objects = await render({
    run: S3,
    worker: {
      extraEnv: [env],
      extraVolumes: [{ name: 'registry', configMap: { name: 'registry' } }],
      extraVolumeMounts: [mount],
    },
  });
  for (const [kind, ending] of [
    ['Deployment', 'worker'],
    ['Job', '-submit'],
  ] as const) {
    const [models] = podOf(objects, kind, ending).initContainers ?? [];
    assert.deepEqual(models?.env, [env], kind);
    assert.deepEqual(models?.volumeMounts.at(-1), mount, kind);
  }
});

test('a worker gets its GPU, and none on the CPU', needs('helm'), async () => {
  const limits = async (values: Values) =>
    podOf(await render(values), 'Deployment', '-worker').containers[0]!.resources.limits;
  assert.deepEqual(await limits({ run: S3 }), { memory: '8Gi', 'nvidia.com/gpu': 1 });
  assert.deepEqual(await limits({ run: S3, worker: { gpu: { resource: 'amd.com/gpu', count: 2 } } }), {
    ...{ memory: '8Gi', 'amd.com/gpu': 2 },
  });
  assert.deepEqual(await limits({ run: S3, worker: { gpu: null } }), { memory: '8Gi' });
});

test(
  'every container runs without privileges on a file system that it cannot write',
  needs('helm'),
  async () => {
    const objects = await render({ run: S3 });
    const pods = [
      podOf(objects, 'Deployment', '-worker'),
      podOf(objects, 'Job', '-submit'),
      podOf(objects, 'StatefulSet', '-redis'),
      podOf(objects, 'Deployment', '-exporter'),
    ];
    for (const { securityContext, containers, initContainers = [] } of pods) {
      assert.equal(securityContext.runAsNonRoot, true);
      for (const container of [...containers, ...initContainers]) {
        assert.deepEqual(container.securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  },
);

test('secrets are named and never contained', needs('helm'), async () => {
  const objects = await render(CASES['scaled by KEDA, on a Redis and a store outside']!);
  assert.equal(objects.filter(({ kind }) => kind === 'Secret').length, 0);
  for (const pod of [podOf(objects, 'Deployment', '-worker'), podOf(objects, 'Job', '-submit')]) {
    const env = new Map(pod.containers[0]!.env!.map(({ name, ...rest }) => [name, rest]));
    for (const [name, secret] of Object.entries({
      REDIS_URL: 'queue',
      AWS_ACCESS_KEY_ID: 'store',
      AWS_SECRET_ACCESS_KEY: 'store',
    })) {
      assert.deepEqual(env.get(name), { valueFrom: { secretKeyRef: { name: secret, key: name } } });
    }
  }
  assert.equal(objects.filter(({ kind }) => kind === 'StatefulSet').length, 0, 'no Redis of its own');
});

test(
  'the workers are scaled by what the exporter says of all runs, down to none',
  needs('helm'),
  async () => {
    const objects = await render(CASES["scaled by KEDA, on the chart's own Redis"]!);
    const { spec } = objects.find(({ kind }) => kind === 'ScaledObject') as unknown as {
      spec: {
        scaleTargetRef: { name: string };
        minReplicaCount: number;
        triggers: { metadata: { url: string } }[];
      };
    };
    assert.equal(spec.minReplicaCount, 0);
    const service = objects.find(
      ({ kind, metadata }) => kind === 'Service' && metadata.name.endsWith('-exporter'),
    ) as unknown as KubernetesObject & { spec: { ports: { port: number }[] } };
    const address = `${service.metadata.name}.faces.svc:${service.spec.ports[0]!.port}`;
    assert.deepEqual(
      spec.triggers.map(({ metadata }) => metadata.url),
      [`http://${address}/queue.json`],
    );
    const deployment = objects.find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === spec.scaleTargetRef.name,
    ) as unknown as { spec: object };
    assert.ok(!('replicas' in deployment.spec), 'the number is the autoscaler’s');
  },
);

test('Prometheus finds the port that workers and exporter serve', needs('helm'), async () => {
  const objects = await render(CASES['scaled by KEDA, on a Redis and a store outside']!);
  const monitor = objects.find(({ kind }) => kind === 'PodMonitor') as unknown as {
    spec: { podMetricsEndpoints: { port: string }[] };
  };
  for (const [ending, option] of [
    ['-worker', '--metrics-port'],
    ['-exporter', '--port'],
  ] as const) {
    const [container] = podOf(objects, 'Deployment', ending).containers;
    const port = container!.args[container!.args.indexOf(option) + 1];
    const [named] = container!.ports ?? [];
    assert.deepEqual(
      [named?.name, String(named?.containerPort)],
      [monitor.spec.podMetricsEndpoints[0]!.port, port],
    );
  }
});

test('what selects pods selects those that are there', needs('helm'), async () => {
  const objects = (await render({ run: S3 })) as unknown as {
    kind: string;
    metadata: { name: string };
    spec: {
      selector?: { matchLabels?: Record<string, string> } & Record<string, unknown>;
      podSelector?: { matchLabels: Record<string, string> };
      template?: { metadata: { labels: Record<string, string> } };
    };
  }[];
  const pods = objects.flatMap(({ spec }) => (spec?.template ? [spec.template.metadata.labels] : []));
  assert.equal(pods.length, 4);
  const selected: string[] = [];
  for (const { kind, metadata, spec } of objects) {
    const ofService = kind === 'Service' ? spec.selector : undefined;
    const labels = spec?.podSelector?.matchLabels ?? spec?.selector?.matchLabels ?? ofService;
    if (labels === undefined) continue;
    const hits = pods.filter((pod) => Object.entries(labels).every(([name, value]) => pod[name] === value));
    const components = hits.map((pod) => pod['app.kubernetes.io/component']);
    selected.push(`${kind} ${metadata.name.split('-').at(-1)}: ${components.join()}`);
  }
  assert.deepEqual(selected.sort(), [
    'Deployment exporter: exporter',
    'Deployment worker: worker',
    'NetworkPolicy exporter: exporter',
    'NetworkPolicy redis: redis',
    'PodDisruptionBudget worker: worker',
    'Service exporter: exporter',
    'Service redis: redis',
    'StatefulSet redis: redis',
  ]);
});

test('another run is another Job, the same run the same', needs('helm'), async () => {
  const jobOf = async (run: Values) =>
    (await render({ run })).find(({ kind }) => kind === 'Job')!.metadata.name;
  assert.equal(await jobOf(S3), await jobOf(S3));
  assert.notEqual(await jobOf(S3), await jobOf({ out: 's3://bucket/night-2' }));
});
