// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Observations
import Operations
import Profiles
import Quantities
import Randomness

extension ReceiveQueue {
  /// The queue of a machine's network load.
  init(_ input: MachineInput, costs: MachineCosts, phase: inout Stream) {
    let load = input.network
    let rate = Swift.min(load.offered, input.host.nic.rate)
    let isOn = load.flows > 0 && rate > .zero
    let bits = load.frame.rawValue * 8
    let wire =
      isOn ? Swift.max(1, bits * 1_000_000_000 / Swift.max(1, rate.rawValue / 1_000)) : 1
    let gap = UnitCost(rawValue: wire)
    let window = Swift.max(
      1,
      load.window.rawValue.times(saturating: Int64(load.flows)) / costs.segment
    )
    let start = Instant.start + (isOn ? phase.uniform(below: .microseconds(50)) : .zero)
    let limit = input.switches.has(.window) ? window : .max / 4
    // A buffer without end would never let the writer sleep.
    self.init(
      adapter: input.host.nic,
      load: load,
      flow: TCPFlow(
        gap: gap,
        load: load,
        window: isOn && load.direction == .receive ? limit : 0,
        start: start,
        switches: input.switches
      ),
      sender: SendFlow(
        gap: gap,
        load: load,
        window: isOn && load.direction == .send ? window : 0,
        start: start,
        switches: input.switches
      ),
      start: .start,
      jitter: input.seed.stream("datagrams")
    )
    if !input.switches.has(.ring) { removeLimit() }
    if !input.switches.has(.moderation) { removeModeration() }
  }
}

// What packets do above the driver: sockets, readers, requests, connections.
extension Machine {
  /// Packets of a poll reach their sockets.
  mutating func deliver(_ polled: ReceiveQueue.Polled) {
    if isReaderHere, input.network.reader == .unpinned, isOccupied(for: CPUTask.reader) {
      moveReader()
    }
    if polled.segments > 0, queue.sends {
      acknowledged(by: polled.segments)
    } else if polled.segments > 0 {
      let ready = queue.flow.process(polled.segments)
      let time = now
      queue.flow.acknowledge(at: time)
      if !isReaderHere, ready > 0 { readElsewhere(ready) }
    }
    if polled.datagrams > 0 { deliverDatagrams(polled.datagrams) }
    deliverTracked()
    if isReaderHere, hasSomethingToRead() { wake(CPUTask.reader) }
  }

  /// Acknowledgements of what the CPU sends have come up the stack; a writer on another CPU keeps
  /// the buffer full.
  private mutating func acknowledged(by packets: Int64) {
    let time = now
    let fresh = queue.sender.process(packets, at: time)
    if !isReaderHere { fillBuffer() }
    if fresh > 0 { noteRead(fresh * costs.segment) }
  }

  /// Writes as much as the socket's buffer takes.
  private mutating func fillBuffer() {
    let time = now
    queue.sender.write(queue.sender.space, at: time)
  }

  /// The sender's first write: at once from another CPU, else its task is made runnable.
  mutating func beginSending() {
    guard queue.sends else { return }
    if !isReaderHere {
      fillBuffer()
    } else {
      wake(CPUTask.reader)
      reschedule()
    }
  }

  /// Datagrams go to a reader elsewhere at once, or into the socket as far as it has room.
  private mutating func deliverDatagrams(_ count: Int64) {
    guard isReaderHere else {
      outcome.network.datagrams += count
      noteRead(count * costs.datagram)
      return
    }
    let taken = min(count, max(0, costs.socketDatagrams - datagramsReady))
    datagramsReady += taken
    outcome.network.datagrams += taken
    outcome.network.drops.socket += count - taken
  }

  /// Datagrams, a system call each, that are read before anybody can see that they were.
  private static let datagramBatch: Int64 = 16

  /// Mutating, though it changes nothing: a getter that looks into the queue would copy the machine.
  private mutating func hasSomethingToRead() -> Bool {
    if queue.sends, queue.sender.wakesWriter { return true }
    return queue.flow.readable > 0 || datagramsReady > 0 || !requestsReady.isEmpty
  }

  /// A reader on another CPU takes its data as fast as it can copy.
  private mutating func readElsewhere(_ segments: Int64) {
    let length = costs.read(bytes: segments * costs.segment, calls: 1)
    remoteReader = max(remoteReader, now) + length
    queue.flow.take(segments)
    queue.flow.acknowledge(at: remoteReader)
    noteRead(segments * costs.segment)
  }

  /// Requests and connection attempts that this poll has brought up the stack.
  private mutating func deliverTracked() {
    while !requestsInRing.isEmpty, requestsInRing.first.admitted <= queue.polled {
      let began = requestsInRing.first.began
      requestsInRing.removeFirst()
      if !isReaderHere {
        noteRequest(since: began, at: now + costs.wakeup + costs.readerCall)
      } else if !requestsReady.isFull {
        requestsReady.append(began)
      }
    }
    while let began = connects.processed(upTo: queue.polled) {
      let latency = now - began + input.network.roundTrip
      connects.record(latency, counts: walker.hasBegun && began >= outcome.began)
    }
  }

  private mutating func noteRequest(since began: Instant, at time: Instant) {
    guard walker.hasBegun, began >= outcome.began else { return }
    requestLatencies.record(time - began + input.network.roundTrip)
  }

  /// The reader's next system calls: up to 128 KiB of stream, a batch of datagrams, all requests.
  mutating func beginRead() -> Nanoseconds {
    let available = queue.sends ? queue.sender.space : queue.flow.readable
    segmentsInRead = min(available, costs.readSegments)
    datagramsInRead = min(datagramsReady, Self.datagramBatch)
    datagramsReady -= datagramsInRead
    requestsInRead = requestsReady.count
    let size = segmentsInRead * costs.segment + datagramsInRead * costs.datagram
    let calls = (segmentsInRead > 0 ? 1 : 0) + datagramsInRead + Int64(requestsInRead)
    return costs.read(bytes: size, calls: max(1, calls))
  }

  /// The reader, or the writer, has copied its data; true if there is more to do.
  mutating func finishRead() -> Bool {
    if segmentsInRead > 0, queue.sends {
      let time = now
      queue.sender.write(segmentsInRead, at: time)
      segmentsInRead = 0
      if !queue.isMasked { armInterrupt() }
    }
    if segmentsInRead > 0 {
      queue.flow.take(segmentsInRead)
      let time = now
      queue.flow.acknowledge(at: time)
      if !queue.isMasked { armInterrupt() }
    }
    for _ in 0..<requestsInRead {
      noteRequest(since: requestsReady.first, at: now)
      requestsReady.removeFirst()
    }
    let size = segmentsInRead * costs.segment + datagramsInRead * costs.datagram
    if size > 0 { noteRead(size) }
    segmentsInRead = 0
    datagramsInRead = 0
    requestsInRead = 0
    // A writer goes on until the buffer is full, and is woken when a third of it is free.
    return (queue.sends && queue.sender.space > 0) || hasSomethingToRead()
  }

  /// A free reader goes to an idle CPU, with what waits for it.
  mutating func moveReader() {
    if hasSegment[CPUTask.reader] { _ = finishRead() }
    leave(CPUTask.reader)
    isReaderHere = false
    if queue.flow.readable > 0 { readElsewhere(queue.flow.readable) }
    if queue.sends { fillBuffer() }
    if datagramsReady > 0 { noteRead(datagramsReady * costs.datagram) }
    datagramsReady = 0
    while !requestsReady.isEmpty {
      noteRequest(since: requestsReady.first, at: now + costs.wakeup + costs.readerCall)
      requestsReady.removeFirst()
    }
    armInterruptUnlessBusy()
  }

  /// Bytes have reached an application.
  private mutating func noteRead(_ size: Int64) {
    noteGap()
    lastRead = now
    bytes += size
    let bucket = Int(now.sinceStart / input.bucket)
    while outcome.network.goodput.count <= bucket { outcome.network.goodput.append(0) }
    outcome.network.goodput[bucket] += size
    record(.reader, name: .read, value: size)
  }

  /// The time since the last read, if it is the longest of the operation.
  mutating func noteGap() {
    guard walker.hasBegun, outcome.ended == .start || outcome.ended == now else { return }
    outcome.network.largestGap = max(outcome.network.largestGap, now - lastRead)
  }

  /// Schedules the next request of the open-loop client.
  mutating func scheduleRequest() {
    guard input.network.requests > 0 else { return }
    let gap = requestGaps.exponential(mean: .seconds(1) / Int64(input.network.requests))
    events.schedule(.request, at: now + gap + .nanoseconds(1))
  }

  mutating func requestArrives() {
    if queue.admitSingle(at: now), !requestsInRing.isFull {
      requestsInRing.append(ReceiveQueue.Tracked(admitted: queue.admitted, began: now))
    }
    scheduleRequest()
    armInterruptUnlessBusy()
  }

  private mutating func armInterruptUnlessBusy() {
    if !queue.isMasked { armInterrupt() }
  }

  /// Schedules the next connection attempt, new or repeated.
  mutating func scheduleConnect() {
    guard input.network.connects > 0 else { return }
    if connects.nextNew <= now {
      let gap = connectGaps.exponential(mean: .seconds(1) / Int64(input.network.connects))
      connects.nextNew = now + gap + .nanoseconds(1)
    }
    events.schedule(.connect, at: connects.nextTime)
  }

  mutating func connectArrives() {
    while let attempt = connects.due(at: now, operationBegan: walker.hasBegun && !walker.isDone) {
      if queue.admitSingle(at: now) {
        connects.entered(attempt, admitted: queue.admitted)
      } else {
        connects.refused(attempt, at: now)
      }
    }
    scheduleConnect()
    armInterruptUnlessBusy()
  }
}
