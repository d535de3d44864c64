import { hash } from 'node:crypto';
import { type FileRecord, MAX_PAGE_RECORDS, MAX_PAGE_TEXT } from './index-page.ts';

/** One path in 1,024 ends its page: pages of some 30 KiB sealed, 100 for 100,000 files. */
const ENDS_BELOW = 2 ** 32 / 1_024;
/** Room for one more record of the longest kind, and for what UTF-8 makes of its characters. */
const FULL_TEXT = MAX_PAGE_TEXT / 4;

/**
 * Cuts where a path says so and not after a count: a file that comes or goes changes its own page, and all the others
 * are those of the point before.
 */
export async function* splitPages(records: AsyncIterable<FileRecord>): AsyncIterable<readonly FileRecord[]> {
  let page: FileRecord[] = [];
  let characters = 0;
  for await (const record of records) {
    page.push(record);
    characters += record.path.length + (record.target?.length ?? 0) + 200;
    if (page.length < MAX_PAGE_RECORDS && characters < FULL_TEXT && !endsPage(record.path)) continue;
    yield page;
    page = [];
    characters = 0;
  }
  if (page.length > 0) yield page;
}

function endsPage(path: string): boolean {
  return Number.parseInt(hash('sha256', path, 'hex').slice(0, 8), 16) < ENDS_BELOW;
}
