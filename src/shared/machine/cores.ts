/** Cores that this process may use. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Where a container's quota stands: control groups, version 2 and 1. */
const QUOTA_FILES = [
  ['/sys/fs/cgroup/cpu.max'],
  ['/sys/fs/cgroup/cpu/cpu.cfs_quota_us', '/sys/fs/cgroup/cpu/cpu.cfs_period_us'],
];

/**
 * Those of the machine that its affinity leaves it, and no more than its container's quota (Node 20 overlooks that).
 */
export function usableCores(): number {
  const quotas = QUOTA_FILES.map((files) => coresOfQuota(files.map(readIfThere).join(' ')));
  return Math.max(1, Math.min(availableParallelism(), ...quotas));
}

/**
 * Whole cores of a quota as the kernel writes it, microseconds a period (`cpu.max`: "150000 100000", or "max 100000";
 * version 1: −1 for none); part of a core counts as one. Infinity where there is none.
 */
export function coresOfQuota(text: string): number {
  const [quota = '', period = ''] = text.trim().split(/\s+/);
  const cores = Math.ceil(Number(quota) / Number(period));
  return Number.isFinite(cores) && cores > 0 ? cores : Number.POSITIVE_INFINITY;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
