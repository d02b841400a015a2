import { decodeError, Opcode, ProtocolViolation, type SimpleMQError } from '@simplemq/protocol';

/** Who waits for the answer to a request. Exactly one of the two is called, once. */
export interface Requester {
  answered(payload: Buffer): void;
  refused(error: SimpleMQError): void;
}

interface Entry {
  readonly opcode: number;
  readonly requester: Requester;
}

const ANSWER_BIT = 0x80;

/** The requests of one session that were sent and not answered, by their id. */
export class RequestTable {
  readonly #entries = new Map<number, Entry>();
  #nextId = 1;

  /** The id that a request is to be sent with. */
  add(opcode: number, requester: Requester): number {
    let id = this.#nextId;
    while (id === 0 || this.#entries.has(id)) id = (id + 1) >>> 0;
    this.#nextId = (id + 1) >>> 0;
    this.#entries.set(id, { opcode, requester });
    return id;
  }

  /** @throws ProtocolViolation on an answer that nothing asked for */
  settle(opcode: number, requestId: number, payload: Buffer): void {
    const entry = this.#entries.get(requestId);
    if (entry === undefined) {
      throw new ProtocolViolation(`the server answered the request ${requestId}, which is not open`);
    }
    if (opcode === Opcode.Error) {
      const error = decodeError(payload);
      this.#entries.delete(requestId);
      entry.requester.refused(error);
      return;
    }
    if (opcode !== (entry.opcode | ANSWER_BIT)) {
      throw new ProtocolViolation(
        `the server answered the request ${requestId} with another request's answer`,
      );
    }
    this.#entries.delete(requestId);
    entry.requester.answered(payload);
  }

  refuseAll(error: SimpleMQError): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { requester } of entries) requester.refused(error);
  }
}
