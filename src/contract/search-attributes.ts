import { defineSearchAttributeKey } from '@temporalio/common';

/** SQL visibility allows 10 keywords and 3 of each other type per namespace: keep few. Not encrypted: no secrets. */
export const SEARCH_ATTRIBUTES = {
  instanceId: defineSearchAttributeKey('UnderstudyInstanceId', 'KEYWORD'),
  phase: defineSearchAttributeKey('UnderstudyPhase', 'KEYWORD'),
  outcome: defineSearchAttributeKey('UnderstudyOutcome', 'KEYWORD'),
  plan: defineSearchAttributeKey('UnderstudyPlan', 'KEYWORD'),
  pointId: defineSearchAttributeKey('UnderstudyPointId', 'KEYWORD'),
} as const;
