import { type Feature, type Opcode, opcodeName, Unsupported } from '@simplemq/protocol';
import type { RequestHandler } from './request.ts';

/** @throws Unsupported when the engine does not have the feature */
export function checkFeature(features: readonly string[], feature: Feature, what: string): void {
  if (features.includes(feature)) return;
  throw new Unsupported(`${what}, but this server lacks the feature '${feature}'`, { details: { feature } });
}

/** A command that not every engine can carry out, with its handler. */
export function needing(
  feature: Feature,
  opcode: Opcode,
  handler: RequestHandler,
): [opcode: number, handler: RequestHandler] {
  const what = `${opcodeName(opcode)} was sent`;
  return [
    opcode,
    (context, requestId, payload) => {
      checkFeature(context.engine.features, feature, what);
      return handler(context, requestId, payload);
    },
  ];
}
