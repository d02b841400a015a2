import { REFUSALS } from '../../../packages/protocol/test/commands/hostile-bytes.ts';

/** The message of an error with which bytes may be refused. @throws the error when it is another */
export function refusalOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  if (code === undefined || !REFUSALS.includes(code)) throw error;
  return message;
}
