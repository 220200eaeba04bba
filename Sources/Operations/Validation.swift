// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Profiles
import Quantities

extension BatchedOperation {
  /// Refuses what cannot be run, with a sentence.
  package func validate() throws(OperationError) {
    try validateMachine()
    try validateLoads()
    do throws(PolicyError) {
      try policy.validate(in: setup.settingOfRuns)
    } catch {
      throw .policy(error)
    }
  }

  /// Refuses a value outside the range of its key, whoever set it: a profile that was not read from
  /// texts is held to the same ranges.
  package func validateRanges() throws(OperationError) {
    try require(setup.host)
    try require(setup.kernel)
    try require(setup.workload)
  }

  private func require<Content: Profile>(_ profile: Content) throws(OperationError) {
    for key in Content.keys where !key.isLegal(in: profile) {
      throw .value(name: key.name, given: key.text(in: profile) ?? "none", legal: key.legal)
    }
  }

  private func validateMachine() throws(OperationError) {
    guard setup.host.cpus > 0 else {
      throw .value(name: "host.cpus", given: "\(setup.host.cpus)", legal: "at least 1")
    }
    guard
      (1...setup.host.cpus).contains(setup.host.nic.queues)
        || setup.workload.network.offered == .zero
    else {
      throw .value(
        name: "nic.queues",
        given: "\(setup.host.nic.queues)",
        legal: "1 to the host's \(setup.host.cpus) CPUs"
      )
    }
    guard (24...10_000).contains(setup.kernel.hz) else {
      throw .value(
        name: "kernel.hz",
        given: "\(setup.kernel.hz)",
        legal: "24 to 10000 ticks a second"
      )
    }
    let rules: ReleaseRules
    do throws(PageTableError) {
      rules = try ReleaseRules.rules(for: setup.kernel.release)
    } catch {
      throw .pageTables(error)
    }
    switch setup.kernel.preemption {
    case .none, .voluntary:
      guard rules.cooperativePreemption else {
        throw .contradiction(
          "Linux \(setup.kernel.release) on arm64 has no \(setup.kernel.preemption.rawValue) preemption; "
            + "full and lazy are legal"
        )
      }
    case .lazy:
      guard rules.lazyPreemption else {
        throw .contradiction(
          "Linux \(setup.kernel.release) has no lazy preemption; it came to arm64 with 6.16"
        )
      }
    case .full: break
    }
  }

  private func validateLoads() throws(OperationError) {
    let memory = setup.workload.memory
    guard memory.size > .zero else {
      throw .value(name: "vm.memory", given: "\(memory.size)", legal: "more than 0B")
    }
    for (name, share) in [
      ("vm.block_share", memory.blockShare), ("vm.huge_block_share", memory.hugeBlockShare),
      ("vm.touched_share", memory.touchedShare),
    ] where !(0...1).contains(share) {
      throw .value(name: name, given: "\(share)", legal: "a share from 0 to 1")
    }
    guard memory.touchedShare > 0 else {
      throw .value(name: "vm.touched_share", given: "0", legal: "more than 0")
    }
    let network = setup.workload.network
    if network.flows > 0, network.offered > .zero {
      guard setup.host.nic.rate > .zero else {
        throw .value(name: "nic.rate", given: "\(setup.host.nic.rate)", legal: "more than 0 bit/s")
      }
      guard network.frame > .bytes(66) else {
        throw .value(name: "net.frame", given: "\(network.frame)", legal: "more than 66B")
      }
      guard network.window >= network.frame else {
        throw .value(
          name: "net.window",
          given: "\(network.window)",
          legal: "at least a frame"
        )
      }
    }
    for (name, count) in [
      ("net.flows", network.flows), ("net.datagrams", network.datagrams),
      ("net.connects", network.connects), ("net.requests", network.requests),
      ("storage.queue_depth", setup.workload.storage.queueDepth),
      ("neighbours", setup.workload.neighbours), ("competitors", setup.workload.competitors),
    ] where count < 0 || count > 10_000_000 {
      throw .value(name: name, given: "\(count)", legal: "0 to 10000000")
    }
  }
}
