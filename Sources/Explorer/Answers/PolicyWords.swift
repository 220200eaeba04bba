// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Tuning

/// What a policy makes the host do, in sentences: who holds the lock, who waits, what is invalidated.
struct PolicyWords {
  private let policy: Policy
  private let question: Question

  init(_ policy: Policy, _ question: Question) { (self.policy, self.question) = (policy, question) }

  private var operation: StageTwoOperation { question.workload.operation }
  private var path: TeardownPath { policy.path(over: question.workload.teardownPath) }

  /// The sentences; each is about something that the operation does.
  var sentences: [String] {
    if operation == .teardown, path == .processExit {
      return [
        "The process ends: tables are freed without mmu_lock and without invalidations, since no vCPU "
          + "can run any more"
      ] + load
    }
    return [teardown, chunk, flush].compactMap(\.self) + migration + load
  }

  private var teardown: String? {
    guard operation == .teardown else { return nil }
    let way =
      switch path {
      case .memslotDelete: "The memory slot is deleted"
      case .madviseSlices: "The VMM gives memory back by madvise"
      case .munmap, .processExit: "The VMM unmaps the guest's memory"
      }
    guard let slice = policy.slice else { return "\(way) in one call" }
    let pause =
      policy.pause == .zero ? "yields" : "sleeps \(policy.pause)"
    return "\(way), \(slice) a call, and \(pause) between two calls"
  }

  private var chunk: String? {
    guard question.workload.idleReason(.chunk) == nil else { return nil }
    let size = policy.text(of: .chunk) ?? ""
    let rule =
      switch policy.controller {
      case .fixed: "A chunk is \(size)"
      case .timeBudget, .feedback:
        "A chunk is at most \(size) and ends early by \(policy.text(of: .controller) ?? "")"
      }
    let inside =
      "inside it mmu_lock is held and no task of this CPU runs, only interrupts"
    return policy.breaks
      ? "\(rule): \(inside); between two the lock may be given up"
      : "\(rule): \(inside), and the lock is kept between two"
  }

  private var flush: String? {
    guard question.workload.idleReason(.tlbi) == nil else { return nil }
    switch policy.flush.text.prefix(while: { $0 != ":" }) {
    case "per-leaf": return "Each cleared leaf is invalidated by itself, with a barrier of its own"
    case "deferred": return "Cleared leaves are invalidated together at the end of a walk, by range"
    case "if-cleared": return "A walk ends with an invalidation only where it cleared something"
    case "if-cleared-span":
      return "A walk ends with an invalidation of what it cleared, and of no more"
    case "vmid":
      return
        "Over so many leaves the whole VM is invalidated at once (tlbi=\(policy.flush.text)), and its "
        + "vCPUs fill their TLBs again"
    default: return "Nothing is invalidated"
    }
  }

  private var migration: [String] {
    guard operation == .migration || operation == .logEnable else { return [] }
    let start =
      switch policy.logStart(over: question.workload.migration) {
      case .allSet: "Logging starts with all bits set: memory is protected piece by piece"
      case .protect: "Logging starts by protecting the whole slot at once"
      case .boot: "Logging is on since the guest's start"
      }
    let split =
      policy.eagerSplit == .zero
      ? "Blocks are split by the guest's own faults"
      : "Blocks are split eagerly, \(policy.eagerSplit) a step"
    guard operation == .migration else { return [split] }
    let range = policy.clearRange.map { "\($0) a call" } ?? "the whole slot a call"
    let harvest =
      switch policy.harvest {
      case .clear: "Dirty pages are protected again by CLEAR, \(range)"
      case .get: "Dirty pages are protected again by GET, the whole slot at once"
      case .ring: "Dirty pages are taken from rings, whose reset protects them again"
      }
    return [start, harvest, split]
  }

  private var load: [String] {
    guard question.workload.idleReason(.irq) == nil else { return [] }
    let place =
      policy.interrupt == .moved
      ? "The queue's interrupt goes to another CPU, so packets come in while a chunk runs"
      : "The queue's interrupt comes in on this CPU; what it wakes waits for the end of a chunk"
    guard policy.threadedNAPI, policy.interrupt != .moved else { return [place] }
    return [place, "NAPI polls in a thread, which waits for the end of a chunk like every task"]
  }
}
