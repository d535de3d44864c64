import { visibleText } from './visible-text.ts';

const MARKUP = Symbol('markup');

/** Markup that is safe to place in a page. Only `html` makes it, so no text gets there unescaped. */
export interface Html {
  readonly [MARKUP]: string;
}

export type HtmlValue = Html | string | number | undefined | readonly HtmlValue[];

/**
 * Markup with values: strings are made visible, cut to 200 characters and escaped; markup goes in as it is; lists are
 * joined; undefined is nothing. Attribute values must stand in double quotes.
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const markup = parts.map((part, at) => (at < values.length ? part + toMarkup(values[at]) : part)).join('');
  return { [MARKUP]: markup };
}

/** Text of this project or text that is cut already: escaped, not cut. */
export function longText(text: string): Html {
  return { [MARKUP]: escapeMarkup(visibleText(text, Number.MAX_SAFE_INTEGER / 4)) };
}

/** A style sheet or another constant of this project. Never for text that came from outside. */
export function trustedConstant(markup: string): Html {
  return { [MARKUP]: markup };
}

export function markupOf(html: Html): string {
  return html[MARKUP];
}

function toMarkup(value: HtmlValue): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escapeMarkup(visibleText(value));
  return isHtml(value) ? value[MARKUP] : value.map(toMarkup).join('');
}

function isHtml(value: Html | readonly HtmlValue[]): value is Html {
  return MARKUP in value;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
