import { XmlShapeSerializer } from '@aws-sdk/core/protocols';
import type { NormalizedSchema } from '@smithy/core/schema';
import { NormalizedSchema as Schema } from '@smithy/core/schema';
import { CloudError, invalidValue } from '../cloud-error.ts';
import { isXmlText } from './xml-text.ts';

/** A form `A.1.B=c` as a tree; leaves are strings. */
interface Node {
  [key: string]: Node | string;
}

/** EC2 names a member by its `ec2QueryName`, else by its XML name with a capital letter. */
function wireName(name: string, member: NormalizedSchema): string {
  const traits = member.getMergedTraits();
  const text = String(traits.ec2QueryName ?? traits.xmlName ?? name);
  return traits.ec2QueryName === undefined ? `${text.slice(0, 1).toUpperCase()}${text.slice(1)}` : text;
}

/** Reads the form fields of an EC2 request by the SDK's own input schema; a field that the schema lacks is refused. */
export function decodeQuery(schema: unknown, fields: Iterable<readonly [string, string]>): unknown {
  const root = newNode();
  for (const [key, value] of fields) plant(root, key.split('.'), value);
  return readNode(Schema.of(schema as Parameters<typeof Schema.of>[0]), root, '') ?? {};
}

/** Without a prototype: fields choose the names, and `__proto__.X=1` would be set for every object there is. */
function newNode(): Node {
  return Object.create(null) as Node;
}

function plant(root: Node, path: readonly string[], value: string): void {
  let node = root;
  path.forEach((step, depth) => {
    if (depth === path.length - 1) {
      node[step] = value;
      return;
    }
    const next = node[step] ?? newNode();
    if (typeof next === 'string') throw unknownParameter(path.join('.'));
    node[step] = next;
    node = next;
  });
}

function readNode(schema: NormalizedSchema, node: Node | string, path: string): unknown {
  if (schema.isStructSchema()) return readStruct(schema, node, path);
  if (schema.isListSchema()) return readList(schema, node, path);
  if (typeof node !== 'string') throw unknownParameter(path);
  if (!isXmlText(node)) throw invalidValue(path, node, 'is invalid. It holds a character that XML 1.0 cannot');
  if (schema.isBlobSchema()) return Buffer.from(node, 'base64');
  if (schema.isBooleanSchema()) return readBoolean(node, path);
  if (schema.isNumericSchema()) return readNumber(node, path);
  if (schema.isTimestampSchema()) return new Date(node);
  return node;
}

function readStruct(schema: NormalizedSchema, node: Node | string, path: string): unknown {
  if (typeof node === 'string') throw unknownParameter(path);
  const struct: Record<string, unknown> = {};
  const known = new Set<string>();
  for (const [name, member] of schema.structIterator()) {
    const wire = wireName(name, member);
    known.add(wire);
    const child = node[wire];
    if (child !== undefined) struct[name] = readNode(member, child, path === '' ? wire : `${path}.${wire}`);
  }
  for (const key of Object.keys(node))
    if (!known.has(key)) throw unknownParameter(path === '' ? key : `${path}.${key}`);
  return struct;
}

function readList(schema: NormalizedSchema, node: Node | string, path: string): unknown {
  if (typeof node === 'string') {
    if (node === '') return [];
    throw unknownParameter(path);
  }
  const indexes = Object.keys(node);
  // From 1 in EC2's reference; EC2 takes a 0 as well, from which libcloud counts.
  if (!indexes.every((index) => /^(0|[1-9]\d{0,5})$/.test(index))) throw unknownParameter(path);
  const member = schema.getValueSchema();
  return indexes
    .map(Number)
    .sort((a, b) => a - b)
    .map((index) => readNode(member, node[index] ?? '', `${path}.${index}`));
}

function readBoolean(text: string, path: string): boolean {
  const value = text.toLowerCase();
  if (value !== 'true' && value !== 'false') {
    throw new CloudError(
      'InvalidParameterValue',
      `Value (${text}) for parameter ${path} is invalid. Expected true or false`,
    );
  }
  return value === 'true';
}

function readNumber(text: string, path: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new CloudError(
      'InvalidParameterValue',
      `Value (${text}) for parameter ${path} is invalid. Expected a number`,
    );
  }
  return value;
}

function unknownParameter(path: string): CloudError {
  return new CloudError('UnknownParameter', `The parameter ${path} is not recognized`);
}

const EC2_NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';
const DATE_TIME_FORMAT = 5; // schema constant for ISO 8601, the timestamp form of every XML service

/** Writes an EC2 answer by the SDK's own output schema. */
export function encodeEc2Answer(action: string, schema: unknown, output: unknown, requestId: string): string {
  const shape = Schema.of(schema as Parameters<typeof Schema.of>[0]);
  const open = `<${action}Response xmlns="${EC2_NAMESPACE}"><requestId>${requestId}</requestId>`;
  const body = shape.isUnitSchema() ? '<return>true</return>' : serializeInside(shape, output, EC2_NAMESPACE);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${open}${body}</${action}Response>`;
}

const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

export function encodeStsAnswer(action: string, schema: unknown, output: unknown, requestId: string): string {
  const body = serializeInside(Schema.of(schema as Parameters<typeof Schema.of>[0]), output, STS_NAMESPACE);
  return (
    `<${action}Response xmlns="${STS_NAMESPACE}"><${action}Result>${body}</${action}Result>` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`
  );
}

/** The members of a structure, without the element that the serializer puts around them. */
function serializeInside(shape: NormalizedSchema, output: unknown, xmlNamespace: string): string {
  const serializer = new XmlShapeSerializer({
    xmlNamespace,
    serviceNamespace: 'com.amazonaws',
    timestampFormat: { useTrait: true, default: DATE_TIME_FORMAT },
    httpBindings: false,
  });
  serializer.write(shape, output ?? {});
  const xml = String(serializer.flush());
  const inside = /^<[^>]*[^/]>([\s\S]*)<\/[^>]*>$/.exec(xml);
  return inside?.[1] ?? '';
}
