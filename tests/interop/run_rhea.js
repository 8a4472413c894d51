#!/usr/bin/env node
// Our engine (amqp_peer) against rhea: run_rhea.js BUILD_DIR [part of a case's name].
// Every case is played four times: we are client or server, sender or receiver. Prints "N passed, N failed".
'use strict';

const { spawn } = require('child_process');
const net = require('net');
const path = require('path');

const LIMIT = 120000;  // ms a case may take; catches hangs only

const rhea = require(path.join(__dirname, 'rhea.js')).load();

function bodyOf(size) {
  const body = Buffer.alloc(size);
  for (let i = 0; i < size; ++i) body[i] = i % 251;
  return body;
}

/** One connection of rhea: sends or receives on one link, and counts. */
class RheaPeer {
  constructor(options) {
    this.options = options;
    this.seen = { sent: 0, received: 0, good: 0, settled: 0, states: [], linkError: undefined, closed: undefined };
    this.container = rhea.create_container({ id: 'rhea' });
    this.connectionOptions = {
      host: '127.0.0.1', username: 'anonymous', reconnect: false, max_frame_size: options.rheaFrame || 16384,
      idle_time_out: options.rheaIdle || 0, credit_window: options.credit || 10, autoaccept: false,
      treat_modified_as_released: false,
    };
    this.finished = new Promise((resolve) => { this.finish = resolve; });
    this.body = bodyOf(options.size);
    this.wire();
  }

  wire() {
    const { container, options, seen } = this;
    container.on('connection_open', (context) => {
      this.connection = context.connection;
      this.connection.socket.once('close', () => this.finish());
      this.readyAt = Date.now() + (options.hold || 0);
      if (options.hold) setTimeout(() => this.work(), options.hold + 1);
      if (this.isClient()) this.open();
    });
    container.on('receiver_open', (context) => { this.opened(context.receiver); });
    container.on('sender_open', (context) => { this.opened(context.sender); });
    container.on('sendable', () => this.work());
    container.on('accepted', () => { seen.states.push('accepted'); });
    container.on('released', () => { seen.states.push('released'); });
    container.on('rejected', () => { seen.states.push('rejected'); });
    container.on('modified', () => { seen.states.push('modified'); });
    container.on('settled', () => { ++seen.settled; this.work(); });
    container.on('message', (context) => this.received(context));
    container.on('receiver_error', (context) => { seen.linkError = context.receiver.error.condition; });
    container.on('sender_error', (context) => { seen.linkError = context.sender.error.condition; });
    container.on('receiver_close', () => this.linkClosed());
    container.on('sender_close', () => this.linkClosed());
    container.on('connection_error', (context) => { seen.closed = context.connection.error.condition; });
    container.on('connection_close', (context) => { seen.closed = seen.closed || ''; context.connection.close(); });
    container.on('protocol_error', (problem) => { seen.closed = String(problem); });
    container.on('disconnected', () => this.finish());  // without a close; after one it is the socket that tells
  }

  connect(port) { this.container.connect({ port, ...this.connectionOptions }); }

  open() {
    const { connection, options } = this;
    if (options.rheaSends) connection.open_sender({ target: 'examples', name: 'interop', snd_settle_mode: options.settled ? 1 : 2 });
    else connection.open_receiver({ source: 'examples', name: 'interop' });
  }

  listen(whenListening) {
    const server = this.container.listen({ port: 0, ...this.connectionOptions });
    server.on('listening', () => whenListening(server.address().port));
    server.on('connection', () => server.close());
  }

  opened(link) {
    this.link = link;
    if (!this.isClient()) {
      link.set_source({ address: link.source.address });
      link.set_target({ address: link.target.address });
    }
    this.work();
  }

  isClient() { return this.options.weServe; }

  received(context) {
    const { options, seen } = this;
    ++seen.received;
    const content = context.message.body;
    const octets = Buffer.isBuffer(content) ? content : content.content;
    if (octets.equals(this.body)) ++seen.good;
    const outcomes = options.outcomes || ['accepted'];
    const outcome = outcomes[(seen.received - 1) % outcomes.length];
    if (context.delivery.remote_settled) {
      ++seen.settled;
      context.delivery.update(true);
    } else if (outcome === 'accepted') context.delivery.accept();
    else if (outcome === 'released') context.delivery.release();
    else if (outcome === 'rejected') context.delivery.reject({ condition: 'amqp:not-allowed' });
    else context.delivery.modified({ delivery_failed: true, undeliverable_here: true });
    if (seen.received === options.rheaDetachAfter) this.detach();
    this.work();
  }

  detach() { this.link.close({ condition: 'amqp:resource-deleted', description: 'as asked' }); }

  linkClosed() {
    this.detached = true;
    if (this.isClient()) this.connection.close();
  }

  held() { return this.readyAt === undefined || Date.now() < this.readyAt; }

  work() {
    const { options, seen } = this;
    if (!this.link || this.held() || this.detached) return;
    while (options.rheaSends && this.link.sendable() && seen.sent < options.count) {
      const delivery = this.link.send({ body: rhea.message.data_section(this.body) });
      if (options.settled) delivery.update(true);
      this.last = delivery;
      ++seen.sent;
      if (seen.sent === options.rheaDetachAfter) {
        this.detach();
        return;
      }
    }
    const queued = options.rheaSends ? seen.sent === options.count : seen.received === options.count;
    if (!queued || !this.isClient()) return;
    if (!options.rheaSends || seen.settled === options.count) this.connection.close();
    else if (options.settled) this.closeOnceSent();
  }

  /** A settled message is done once it is on its way, of which rhea gives no event; a close would overtake it. */
  closeOnceSent() {
    if (this.last.remote_settled) this.connection.close();
    else setImmediate(() => this.closeOnceSent());
  }
}

/** amqp_peer as a process. */
class Us {
  constructor(program, args) {
    this.out = '';
    this.err = '';
    this.process = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout.on('data', (data) => { this.out += data; if (this.portWanted) this.portWanted(); });
    this.process.stderr.on('data', (data) => { this.err += data; });
    this.exited = new Promise((resolve) => this.process.on('close', resolve));
  }
  async port() {
    while (!/^port \d+\n/.test(this.out)) await new Promise((resolve) => { this.portWanted = resolve; });
    return Number(this.out.match(/^port (\d+)\n/)[1]);
  }
  async report() {
    const code = await this.exited;
    if (code !== 0 || this.err) throw new Error(`amqp_peer: exit ${code}: ${this.err}`);
    return Object.fromEntries(this.out.split('\n').filter((line) => line.includes('=')).map((line) => line.split(/=(.*)/s, 2)));
  }
  end() { if (this.process.exitCode === null) this.process.kill('SIGKILL'); }
}

function argumentsOf(options) {
  const args = ['--count', String(options.count), '--size', String(options.size)];
  if (!options.rheaSends) args.push('--sends');
  if (options.settled) args.push('--settled');
  for (const [key, option] of [['credit', '--credit'], ['window', '--window'], ['frame', '--frame'], ['idle', '--idle'],
                               ['hold', '--hold'], ['detachAfter', '--detach-after']]) {
    if (options[key] !== undefined) args.push(option, String(options[key]));
  }
  if (options.outcomes) args.push('--outcomes', options.outcomes.join(','));
  return args;
}

async function play(program, options) {
  const peer = new RheaPeer(options);
  let us;
  let timer;
  try {
    if (options.weServe) {
      us = new Us(program, argumentsOf(options));
      peer.connect(await us.port());
    } else {
      const port = await new Promise((resolve) => peer.listen(resolve));
      us = new Us(program, ['--connect', String(port), ...argumentsOf(options)]);
    }
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('not done in time')), LIMIT); });
    const report = await Promise.race([us.report(), late]);
    await Promise.race([peer.finished, late]);
    return [peer.seen, report];
  } finally {
    clearTimeout(timer);
    if (us) us.end();
  }
}

function check(what, actual, expected) {
  if (actual !== expected) throw new Error(`${what}: ${actual} instead of ${expected}`);
}

function judge(options, them, us) {
  const { count } = options;
  if (options.detachAfter !== undefined) {
    check('link error at rhea', them.linkError, 'amqp:internal-error');
    check('close at us', us.closed, '');
    return;
  }
  if (options.rheaDetachAfter !== undefined) {
    check('link error at us', us.link_error, 'amqp:resource-deleted');
    return;
  }
  check('our close', us.closed, '');
  check('good messages', options.rheaSends ? Number(us.good || 0) : them.good, count);
  if (options.settled) {
    if (options.rheaSends) check('messages that came settled', Number(us.received_settled || 0), count);
    else check('messages that came settled', them.settled, count);
    return;
  }
  const outcomes = options.outcomes || ['accepted'];
  const states = Array.from({ length: count }, (_, i) => outcomes[i % outcomes.length]);
  if (options.rheaSends) {
    check('states at rhea', them.states.join(), states.join());
  } else {
    for (const state of new Set(states)) check(`${state} at us`, Number(us[state] || 0), states.filter((one) => one === state).length);
    check('settled at us', Number(us.settled || 0), count);
  }
}

const CASES = {
  'small messages, unsettled': { count: 200, size: 10 },
  'small messages, settled': { count: 200, size: 10, settled: true },
  'an empty body': { count: 1, size: 0 },
  '20 MB, unsettled': { count: 1, size: 20000000 },
  '20 MB, settled': { count: 1, size: 20000000, settled: true },
  'the smallest frames': { count: 3, size: 100000, frame: 512, rheaFrame: 512 },
  'small windows': { count: 2, size: 100000, frame: 512, window: 4, rheaFrame: 1024 },
  // One at a time: rhea merges the first two dispositions that it sends at once, whatever their states.
  'every outcome': { count: 8, size: 10, credit: 1, outcomes: ['accepted', 'released', 'rejected', 'modified'] },
  'one credit at a time': { count: 20, size: 10, credit: 1 },
  'idle keep-alives': { count: 1, size: 10, hold: 1200, idle: 800, rheaIdle: 400 },
  'we detach with an error': { count: 5, size: 10, detachAfter: 3 },
  'rhea detaches with an error': { count: 5, size: 10, rheaDetachAfter: 3 },
};

async function main() {
  const program = path.join(process.argv[2], 'tests', 'interop', 'amqp_peer');
  const only = process.argv[3] || '';
  let passed = 0;
  let failed = 0;
  for (const [name, one] of Object.entries(CASES)) {
    for (const weServe of [false, true]) {
      for (const rheaSends of [false, true]) {
        const title = `${name}: we are ${weServe ? 'server' : 'client'} and ${rheaSends ? 'receiver' : 'sender'}`;
        if (!title.includes(only)) continue;
        try {
          const options = { ...one, weServe, rheaSends };
          judge(options, ...await play(program, options));
          ++passed;
        } catch (problem) {
          ++failed;
          console.log(`FAILED ${title}: ${problem.message}`);
        }
      }
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed || !passed ? 1 : 0);
}

main();
