import type { TestLab } from './test-lab.ts';

export interface Denied {
  readonly actions: readonly string[];
  readonly resources?: readonly string[];
}

/** Takes permissions from the product's workers; the answer gives them back. */
export async function putDenials({ lab }: TestLab, denied: readonly Denied[]): Promise<() => Promise<void>> {
  const { control, mover } = lab.plan.keys;
  const denials = [control, mover].flatMap(({ accessKeyId }) => denied.map((one) => ({ accessKeyId, ...one })));
  const put = async (body: unknown) => {
    const answer = await fetch(`${lab.status.control}/v1/denials`, { method: 'PUT', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`the local cloud does not take denials: ${await answer.text()}`);
  };
  await put(denials);
  return () => put([]);
}
