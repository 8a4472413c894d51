// Unmodified rhea at three ports of vanctl: amqp_rhea.js ASKS ANSWERS THIRD. Prints "all done", or why not.
'use strict';

const path = require('path');
const rhea = require(path.join(__dirname, '..', 'interop', 'rhea.js')).load();

const [asks, answers, third] = process.argv.slice(2).map(Number);
const LIMIT = 60000;  // ms; catches hangs only

const connect = (port) => rhea.create_container().connect({ host: '127.0.0.1', port, reconnect: false });
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));
const check = (value, what) => { if (!value) throw new Error(what); };

/** Sends when there is credit; the delivery's outcome in a word. */
function outcome(sender, message) {
  return new Promise((resolve) => {
    const send = () => {
      const delivery = sender.send(message);
      for (const word of ['accepted', 'rejected', 'released', 'modified']) {
        sender.on(word, (context) => { if (context.delivery === delivery) resolve(word); });
      }
    };
    if (sender.sendable()) send();
    else sender.once('sendable', send);
  });
}

async function requestAndReply() {
  const service = connect(answers);
  service.open_receiver('rhea.upper');
  service.on('message', ({ message }) => {
    service.send({ to: message.reply_to, correlation_id: message.correlation_id, body: message.body.toUpperCase() });
  });
  const client = connect(asks);
  const replies = client.open_receiver({ source: { dynamic: true } });
  await once(replies, 'receiver_open');
  const requests = client.open_sender('rhea.upper');
  for (let i = 0; i < 5; ++i) {
    const reply = once(replies, 'message');
    const settled = await outcome(requests, { body: `q${i}`, reply_to: replies.source.address, correlation_id: i });
    check(settled === 'accepted', `request ${i} was ${settled}`);
    const { message } = await reply;
    check(message.body === `Q${i}` && message.correlation_id === i, `reply ${i}: ${message.body}`);
  }
  service.close();
  client.close();
}

async function outcomesAndDrain() {
  const consumer = connect(third);
  const receiver = consumer.open_receiver({ source: 'rhea.orders', credit_window: 0, autoaccept: false, autosettle: true });
  receiver.on('message', ({ message, delivery }) => {
    if (message.body === 'take') delivery.accept();
    else if (message.body === 'refuse') delivery.reject({ condition: 'app:no', description: 'not today' });
    else delivery.release();
  });
  await once(receiver, 'receiver_open');
  const producer = connect(asks);
  const sender = producer.open_sender('rhea.orders');
  receiver.add_credit(3);
  const wanted = { take: 'accepted', refuse: 'rejected', later: 'released' };
  for (const [body, want] of Object.entries(wanted)) {
    const got = await outcome(sender, { body });
    check(got === want, `${body} was ${got}`);
  }
  const drained = once(receiver, 'receiver_drained');
  receiver.drain = true;
  receiver.add_credit(10);
  await drained;
  check(receiver.credit === 0, `${receiver.credit} left after the drain`);
  consumer.close();
  producer.close();
}

setTimeout(() => { console.error('not in time'); process.exit(1); }, LIMIT).unref();
requestAndReply().then(outcomesAndDrain).then(() => { console.log('all done'); process.exit(0); }, (error) => { console.error(error); process.exit(1); });
