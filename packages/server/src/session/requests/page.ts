import type { ReadPage } from '@simplemq/broker';
import { BATCH_HEADER_BYTES, encodeReadReply, type Opcode } from '@simplemq/protocol';

/** Room for the frame's header and what an envelope has beside its runs. */
const FRAME_BYTES = 128;
/** What an envelope has for one run: three numbers. */
const RUN_BYTES = 27;

/** The page as an answer; what no frame has room for is left for the next page. */
export function encodePage(requestId: number, opcode: Opcode, page: ReadPage, maxFrameBytes: number): Buffer {
  return encodeReadReply(requestId, opcode, fitting(page, maxFrameBytes));
}

/** At least one run stays: it came in one frame, so that it goes into one. */
function fitting(page: ReadPage, maxFrameBytes: number): ReadPage {
  let bytes = FRAME_BYTES;
  for (const [i, { first, shared, records }] of page.runs.entries()) {
    bytes += RUN_BYTES + BATCH_HEADER_BYTES + shared.length + records.length;
    if (bytes > maxFrameBytes && i > 0) return { runs: page.runs.slice(0, i), next: first, more: true };
  }
  return page;
}
