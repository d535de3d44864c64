import type { ActivityOptions } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { expect, test } from 'vitest';

test('histories can be written as JSON: one protobufjs for all of @temporalio', () => {
  // Two copies, as npm hoists them without our direct dependency, throw "type must be a Type".
  expect(historyToJSON({ events: [] })).toContain('{');
});

test('a duration that is none does not compile: @types/ms gives Duration its type', () => {
  // @ts-expect-error without the types, Duration is `any` and this line would be fine
  const options: ActivityOptions = { startToCloseTimeout: '5 furlongs' };
  expect(options).toBeDefined();
});
