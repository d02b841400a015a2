import { Bind, BindType, Connection, Publisher } from '@simplemq/client';

const connection = new Connection(process.env.SIMPLEMQ_URL ?? 'simplemq://localhost:9090');

const publisher = new Publisher<string>(connection, new Bind('.+_world', BindType.Regex), {
  mustMatch: true,
});
const receipt = await publisher.sendMessage('good news');
console.log(`sent to ${receipt.streams.map(({ stream }) => stream).join(' and ')}`);
