import type { Message, ReadMessage } from '@simplemq/client';
import { jsonText } from '../terminal/json-value.ts';
import { visible } from '../terminal/visible.ts';
import { messageObject } from './message-object.ts';

/** How a message is written, its newline included. */
export type MessageLine = (message: Message | ReadMessage) => string | Uint8Array;

const NEWLINE: Uint8Array = Buffer.from('\n');

/** How messages go to standard output: as JSON where that was asked for, and otherwise as it suits a reader. */
export function messageLine(asJson: boolean | undefined): MessageLine {
  if (asJson) return jsonLine;
  return process.stdout.isTTY ? shownBodyLine : bodyLine;
}

/** The body and nothing else: text and bytes as they are, other values as JSON. */
const bodyLine: MessageLine = ({ body }) => {
  if (typeof body === 'string') return `${body}\n`;
  if (body instanceof Uint8Array) return Buffer.concat([body, NEWLINE]);
  return `${jsonText(body)}\n`;
};

/** The same for a terminal, which must not obey what a message holds. */
const shownBodyLine: MessageLine = ({ body }) => `${shownBody(body)}\n`;

/** All of it, as one JSON object. */
const jsonLine: MessageLine = (message) => `${jsonText(messageObject(message))}\n`;

/** A body for people; values that are neither text nor bytes as JSON, indented where that is said. */
export function shownBody(body: unknown, indent?: number): string {
  if (typeof body === 'string') return visible(body);
  if (body instanceof Uint8Array) return visible(Buffer.from(body).toString());
  return visible(jsonText(body, indent));
}
