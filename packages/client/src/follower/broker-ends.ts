import type { SimpleMQError } from '@simplemq/protocol';

/**
 * Whether the broker says with this error that it goes. A follower waits for it to come back, as it does when it goes
 * without a word.
 */
export function endsBroker({ code }: SimpleMQError): boolean {
  return code === 'ServerClosing' || code === 'StorageFailed';
}
