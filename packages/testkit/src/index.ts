export * from './certificates.ts';
export * from './copy-data-folder.ts';
export * from './faulty-proxy.ts';
export * from './raw-peer.ts';
export * from './spawn-broker.ts';
export * from './temporary-folder.ts';
export * from './test-broker.ts';
