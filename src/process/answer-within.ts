/** What the work gives; null: it takes longer, and goes on unheard. Rejects as the work does. */
export async function answerWithin<T>(work: Promise<T>, timeMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
