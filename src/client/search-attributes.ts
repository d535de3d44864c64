import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';

/** What both kinds of connection (client and worker) offer. */
export type AttributeServices = Pick<Connection, 'operatorService'>;

/** `INDEXED_VALUE_TYPE_KEYWORD` of the Temporal API. */
const KEYWORD = 2;

export interface EnsuredAttributes {
  readonly created: readonly string[];
  readonly present: readonly string[];
}

/** Makes the `Understudy…` search attributes where they are missing; repeatable. */
export async function ensureSearchAttributes(
  services: AttributeServices,
  namespace: string,
): Promise<EnsuredAttributes> {
  const present = await listOurs(services, namespace);
  const created = wanted().filter((name) => !present.includes(name));
  if (created.length > 0) {
    await services.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(created.map((name) => [name, KEYWORD])),
    });
  }
  return { created, present };
}

/** Whether all of them are there: upserting an unknown one would block a workflow. */
export async function hasSearchAttributes(services: AttributeServices, namespace: string): Promise<boolean> {
  const present = await listOurs(services, namespace);
  return wanted().every((name) => present.includes(name));
}

async function listOurs({ operatorService }: AttributeServices, namespace: string): Promise<readonly string[]> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  return wanted().filter((name) => customAttributes?.[name] === KEYWORD);
}

function wanted(): readonly string[] {
  return Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
}
