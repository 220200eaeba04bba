// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Operations
import Policies
import Profiles
import Quantities

/// What shares one CPU with the walker: the input of a fluid estimate.
///
/// Times are in nanoseconds, rates in packets a nanosecond; packets are a fluid, so counts of them
/// are fractions. The rules are those of Linux as the machine of the simulator follows them; what
/// is left out is chance, losses and what single packets do.
struct SharedCPU: Hashable, Sendable {
  // Costs of the host.
  var hardInterrupt = 0.0
  var tick = 0.0
  var softirqEntry = 0.0
  var contextSwitch = 0.0
  var poll = 0.0
  var packet = 0.0
  var readerKilobyte = 0.0
  var readerCall = 0.0
  /// Least time between two interrupts of the queue.
  var moderation = 0.0

  // The network.
  /// Segments of the flow per nanosecond.
  var segmentRate = 0.0
  /// Requests and connections per nanosecond.
  var singleRate = 0.0
  /// Whether requests wait for the reader.
  var hasRequests = false
  /// Segments that the receive window holds.
  var window = 0.0
  /// Segments that the ring holds.
  var ring = 0.0
  /// Payload of one segment in bytes.
  var segment = 1.0
  var roundTrip = 0.0

  // Storage.
  var diskLatency = 0.0
  var completion = 0.0
  var submission = 0.0
  var queueDepth = 0.0
  var servers = 1.0

  // Where things run.
  var handlesInterrupts = true
  var threadedNAPI = false
  var readerHere = true
  var storageHere = true
  var competitors = 0

  // The kernel's rules.
  var jiffy = 4e6
  var preemptsKernel = false
  var isLazy = false
  /// How the fair scheduler shares the CPU.
  var scheduler = SchedulerRules.cfs(
    latency: .milliseconds(1),
    granularity: .milliseconds(1),
    wakeup: .milliseconds(1)
  )
  /// Up to 6.4: softirqs wait while ksoftirqd is runnable.
  var skipsSoftirqs = false
  /// Whether the lock can be yielded between chunks.
  var breaks = true

  /// Packets of one poll; 64.
  var weight = 64.0
  /// By how much fast processes are slowed down, so that fewer of them stand for many.
  var dilation = 1.0
}

extension SharedCPU {
  /// Everything that is known of a CPU; nil for a kernel whose rules are not known.
  init?(_ operation: BatchedOperation) {
    let (host, kernel, workload) = (operation.host, operation.kernel, operation.workload)
    let policy = operation.policy
    guard let rules = try? ReleaseRules.rules(for: kernel.release) else { return nil }
    take(host)
    take(workload, host)
    handlesInterrupts = policy.interrupt == .sameCPU
    threadedNAPI = policy.threadedNAPI
    breaks = policy.breaks
    jiffy = Double(kernel.jiffy.rawValue)
    preemptsKernel = kernel.preemption.preemptsKernel
    isLazy = kernel.preemption == .lazy
    skipsSoftirqs = rules.softirqYieldsToKsoftirqd
    scheduler = SchedulerRules(rules, cpus: host.cpus, jiffy: kernel.jiffy)
  }

  private mutating func take(_ host: HostProfile) {
    hardInterrupt = host.cpu.hardInterrupt.inNanoseconds
    tick = host.cpu.tick.inNanoseconds
    softirqEntry = host.cpu.softirqEntry.inNanoseconds
    contextSwitch = host.cpu.contextSwitch.inNanoseconds
    poll = host.nic.poll.inNanoseconds
    packet = host.nic.packet.inNanoseconds
    readerKilobyte = host.nic.readerKilobyte.inNanoseconds
    readerCall = host.nic.readerCall.inNanoseconds
    moderation = Double(host.nic.moderation.rawValue)
    diskLatency = Double(host.storage.latency.rawValue)
    completion = host.storage.completion.inNanoseconds
    submission = host.storage.submission.inNanoseconds
  }

  private mutating func take(_ workload: WorkloadProfile, _ host: HostProfile) {
    let load = workload.network
    let frame = Double(max(1, load.frame.rawValue))
    if load.flows > 0, load.offered > .zero {
      let rate = min(load.offered, host.nic.rate)
      // 66 bytes are Ethernet, IP and TCP headers with timestamps.
      segment = max(1, frame - 66)
      segmentRate = Double(rate.rawValue) / 8 / frame / 1e9
      window = max(1, Double(load.window.rawValue) * Double(load.flows) / segment)
    } else if load.datagrams > 0 {
      segment = Double(max(1, load.datagramSize.rawValue))
      segmentRate = Double(load.datagrams) / 1e9
      window = 1e15
    }
    singleRate = Double(load.requests + load.connects) / 1e9
    hasRequests = load.requests > 0
    let buffers = max(1, load.frame.divided(roundedUpBy: host.nic.bufferSize))
    ring = max(1, Double(host.nic.ring) / Double(buffers))
    roundTrip = Double(load.roundTrip.rawValue)
    readerHere = load.reader == .sameCPU
    queueDepth = Double(workload.storage.queueDepth)
    servers = max(1, min(Double(host.storage.parallelism), queueDepth))
    storageHere = workload.storage.task == .sameCPU
    competitors = min(8, workload.competitors)
  }

  /// Packets per nanosecond, flow and single ones.
  var packetRate: Double { segmentRate + singleRate }

  /// Time between two interrupts of the queue while packets arrive.
  var interruptPeriod: Double { max(moderation, dilation / max(packetRate, 1e-15)) }

  /// The share of the CPU that the queue's interrupts and softirqs take while packets arrive.
  var interruptShare: Double {
    guard packetRate > 0 else { return 0 }
    return interruptCost / interruptPeriod
  }

  /// One interrupt of the queue with its softirq.
  var interruptCost: Double {
    hardInterrupt + softirqEntry + poll + interruptPeriod * packetRate * packet
  }

  /// The share of the CPU that the network takes in all, before a walker comes.
  var networkShare: Double {
    let softirqs = handlesInterrupts ? interruptShare : 0
    guard readerHere, segmentRate > 0 else { return softirqs }
    let bytes = interruptPeriod * packetRate * segment
    let reading = bytes / 1_024 * readerKilobyte + readerCall + contextSwitch
    return softirqs + reading / interruptPeriod
  }

  /// The same CPU with everything fast slowed down by a factor; shares stay what they are.
  func dilated(by factor: Double) -> SharedCPU {
    var slow = self
    slow.dilation = factor
    for path: WritableKeyPath<SharedCPU, Double> in [
      \.hardInterrupt, \.softirqEntry, \.contextSwitch, \.poll, \.readerCall, \.moderation,
      \.weight, \.diskLatency, \.completion, \.submission,
    ] {
      slow[keyPath: path] *= factor
    }
    return slow
  }
}
