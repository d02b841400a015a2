import { decodePublish, encodeConfirm } from '@simplemq/protocol';
import { checkBatch } from './check-batch.ts';
import { producerStamp, type RequestHandler } from './request.ts';

export const publish: RequestHandler = (context, requestId, payload) => {
  const { bind, batch, mustMatch, number, settled } = decodePublish(payload);
  checkBatch(batch, context);
  return (
    context.engine
      .publish({
        bind,
        batch,
        producer: producerStamp(context, number, settled),
        ...(mustMatch !== undefined && { mustMatch }),
      })
      // The one place that confirms: the engine settles a publish only when it is as durable as its receipt says.
      .then((receipt) => encodeConfirm(requestId, receipt))
  );
};
