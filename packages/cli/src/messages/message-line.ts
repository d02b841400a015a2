import type { Message } from '@simplemq/client';
import { visible } from '../terminal/visible.ts';
import { jsonText } from './json-value.ts';

/** How a message is written, its newline included. */
export type MessageLine = (message: Message) => string | Uint8Array;

const NEWLINE: Uint8Array = Buffer.from('\n');

/** The body and nothing else: text and bytes as they are, other values as JSON. */
export const bodyLine: MessageLine = ({ body }) => {
  if (typeof body === 'string') return `${body}\n`;
  if (body instanceof Uint8Array) return Buffer.concat([body, NEWLINE]);
  return `${jsonText(body)}\n`;
};

/** The same for a terminal, which must not obey what a message holds. */
export const shownBodyLine: MessageLine = ({ body }) => {
  if (typeof body === 'string') return `${visible(body)}\n`;
  if (body instanceof Uint8Array) return `${visible(Buffer.from(body).toString())}\n`;
  return `${visible(jsonText(body))}\n`;
};

/** All of it, as one JSON object. */
export const jsonLine: MessageLine = (message) => {
  const { stream, sequence, attempt, timestamp, headers, key, body } = message;
  return `${jsonText({ stream, sequence, attempt, timestamp, headers, ...(key !== undefined && { key }), body })}\n`;
};
