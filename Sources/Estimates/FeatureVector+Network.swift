// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Policies
import Profiles
import Quantities

extension FeatureVector {
  /// What the network and the storage load ask of the walking CPU while nothing hinders them.
  mutating func addNetwork(_ host: HostProfile, _ workload: WorkloadProfile, _ policy: Policy) {
    let network = workload.network
    let flows = network.flows > 0 ? Double(network.offered.rawValue) : 0
    let limited = min(flows, Double(host.nic.rate.rawValue))
    let frame = Double(max(1, network.frame.rawValue))
    let packets = limited / 8 / frame + Double(network.datagrams + network.requests)
    self[.offered] = limited
    self[.packetRate] = packets
    self[.requestRate] = Double(network.requests)
    self[.connectRate] = Double(network.connects)
    self[.datagramRate] = Double(network.datagrams)
    self[.roundTrip] = Double(network.roundTrip.rawValue)
    self[.queueDepth] = Double(workload.storage.queueDepth)
    addFillTimes(host, network, limited, packets)
    self[.softirqLoad] = policy.interrupt == .sameCPU ? softirqShare(host, packets) : 0
    self[.taskLoad] = taskShare(host, workload, limited)
  }

  /// How long the ring and the window last when nobody takes from them.
  private mutating func addFillTimes(
    _ host: HostProfile,
    _ network: NetworkLoad,
    _ bitsPerSecond: Double,
    _ packets: Double
  ) {
    let buffers = max(1, network.frame.divided(roundedUpBy: host.nic.bufferSize))
    let slots = Double(host.nic.ring) / Double(buffers)
    self[.ringFill] = packets > 0 ? slots / packets * 1e9 : 1e12
    let window = Double(network.window.rawValue) * 8
    self[.windowFill] = bitsPerSecond > 0 ? window / bitsPerSecond * 1e9 : 1e12
  }

  /// The share of the CPU that interrupts and softirqs take.
  private func softirqShare(_ host: HostProfile, _ packets: Double) -> Double {
    let moderation = Double(host.nic.moderation.rawValue)
    let interrupts = min(packets, moderation > 0 ? 1e9 / moderation : packets)
    let polls = max(interrupts, packets / 64)
    let work =
      packets * host.nic.packet.inNanoseconds + polls * host.nic.poll.inNanoseconds
      + interrupts * (host.cpu.hardInterrupt + host.cpu.softirqEntry).inNanoseconds
    return min(work / 1e9, 4)
  }

  /// The share of the CPU that the tasks beside the walker take.
  private func taskShare(
    _ host: HostProfile,
    _ workload: WorkloadProfile,
    _ bitsPerSecond: Double
  ) -> Double {
    var share = 0.0
    if workload.network.reader == .sameCPU {
      share += bitsPerSecond / 8 / 1_024 * host.nic.readerKilobyte.inNanoseconds / 1e9
    }
    if workload.storage.task == .sameCPU, workload.storage.queueDepth > 0 {
      let served = min(workload.storage.queueDepth, host.storage.parallelism)
      let rate = Double(served) / max(host.storage.latency.inSeconds, 1e-7)
      let request = (host.storage.submission + host.cpu.wakeup + host.cpu.contextSwitch)
      share += min(1, rate * request.inNanoseconds / 1e9)
    }
    return min(share, 4)
  }
}
