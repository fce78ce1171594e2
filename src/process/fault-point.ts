/** Called at a named point of the hot path; does nothing unless a crash test names that point. */
export type FaultPoint = (name: string) => void;

/** `name` may carry a count, `journal:after-commit#3`: the third time the point is reached. */
export function createFaultPoint(armed: string | undefined): FaultPoint {
  if (armed === undefined) return () => undefined;
  const [point, count = '1'] = armed.split('#');
  let left = Number(count);
  return (name) => {
    if (name !== point) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
