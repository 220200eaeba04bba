// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import PageTables
import Policies
import Profiles
import Quantities

/// A guest that writes at random to its working set.
struct RandomWrites: Hashable, Sendable {
  /// Distinct pages a second while nothing is written twice.
  let rate: Double
  /// Pages of the working set.
  let set: Double

  /// The distinct pages after so many seconds at a share of its speed.
  func distinct(in seconds: Double, speed: Double = 1) -> Double {
    guard set > 0 else { return 0 }
    return set * (1 - exp(-rate * speed * seconds / set))
  }

  /// Seconds after which so many pages are written at full speed; infinite where it never comes to that.
  func seconds(until pages: Double) -> Double {
    guard rate > 0, pages < set else { return .infinity }
    return -set / rate * log(1 - pages / set)
  }
}

extension ClearPlan {
  /// Plain GET: it protects every dirty page of the slot under one hold, and copies the bitmap after it.
  ///
  /// `dirty` are the pages that random writes have left; nil says that all bits are set.
  func got(_ dirty: Int64?, in pages: Int64) -> Round {
    let clear: Clear
    if let dirty {
      guard dirty > 0 else { return Round(groups: [WorkGroup(fetch)], calls: 1) }
      let words = DirtyWords(dirty: dirty, among: pages)
      clear = sparse(words: words.words, spanned: max(words.words, words.spanned))
    } else {
      clear = full
    }
    let steps = [call, clear.step, flush.step] + fetch.dropFirst()
    return Round(
      groups: [WorkGroup(steps)],
      counts: clear.counts + flush.counts,
      calls: 1,
      protecting: steps.reduce(.zero) { $0 + $1.work },
      hold: clear.hold
    )
  }
}

/// The dirty rings of a guest's vCPUs, as a VMM empties them.
///
/// A vCPU enters each page that it writes first. The VMM collects the entries of all rings and resets
/// them by one KVM_RESET_DIRTY_RINGS: when a ring is full and its vCPU leaves the guest for it, in a thread
/// of its own once a second, and by the migration thread where a round ends. A reset takes and gives
/// back mmu_lock for each run of neighbours, which random writes leave one page long, and flushes the VMID
/// at its end. Resets within a round are not on the migration thread's CPU. Source: `virt/kvm/dirty_ring.c`
/// for the reset, QEMU's reaper for the second.
struct DirtyRing: Sendable {
  /// Entries that all rings take before one is full: a ring keeps 64 for what cannot wait.
  let usable: Double
  /// What fills them.
  let writes: RandomWrites

  private let call: WorkStep
  private let flush: (step: WorkStep, counts: EventCounts)
  private let entry: (step: WorkStep, counts: EventCounts)

  /// How often a thread of the VMM empties the rings, in seconds.
  static let reaping = 1.0
  /// Entries of a ring that are kept (KVM_DIRTY_RING_RSVD_ENTRIES).
  static let reserved = 64
  /// The release from which a reset offers to reschedule after each entry.
  ///
  /// The specification has it in 7.3 and not in 6.12; where between is assumed.
  static let reschedules = KernelRelease(major: 6, minor: 17)

  /// What the rings of a round hold while it lasts.
  struct Filling: Sendable {
    /// Resets within the round, and the entries of each.
    var resets: Int64
    var each: Int64
    /// Entries that are left at its end.
    var left: Int64
  }

  init(
    _ operation: BatchedOperation,
    _ clears: ClearPlan,
    entries: Int,
    writes: RandomWrites
  ) throws(OperationError) {
    let vcpus = max(1, operation.workload.memory.vcpus)
    usable = Double(vcpus) * Double(max(1, entries - Self.reserved))
    self.writes = writes
    call = clears.call
    let (host, share) = (operation.host, operation.share)
    let rules = try operation.rules()
    let counts: EventCounts
    do throws(PageTableError) {
      counts = try ClearPlan.word(span: 1, operation, rules, flush: .ring).epilogue
    } catch {
      throw .pageTables(error)
    }
    let flushing = host.price(counts, share)
    flush = (flushing.step(holdsLock: false, yieldsBetween: false).endingCall, counts)
    let one = clears.byWord[1]
    var step = host.price(one, share).step(holdsLock: true, yieldsBetween: false)
    step.dropsBetween = true
    step.keepsCPU =
      operation.kernel.release < Self.reschedules
      && [.none, .voluntary].contains(operation.kernel.preemption)
    entry = (step, one)
  }

  /// Seconds from one reset to the next.
  var interval: Double { min(Self.reaping, writes.seconds(until: usable)) }

  /// Whether a ring is full before the thread comes by.
  var overflows: Bool { writes.seconds(until: usable) < Self.reaping }

  /// What a round of so many seconds leaves.
  func filling(in seconds: Double) -> Filling {
    let between = max(1e-6, interval)
    let resets = (seconds / between).rounded(.down)
    let left = writes.distinct(in: max(0, seconds - resets * between))
    return Filling(
      resets: Int64(saturating: resets),
      each: Int64(saturating: min(usable, writes.distinct(in: between))),
      left: Int64(saturating: left)
    )
  }

  /// A reset of so many entries; one of none is a call that flushes nothing.
  func reset(_ entries: Int64) -> ClearPlan.Round {
    guard entries > 0 else {
      return ClearPlan.Round(
        groups: [WorkGroup([call.endingCall])],
        calls: 1,
        protecting: call.work
      )
    }
    var step = entry.step
    step.units = entries
    let steps = [call, step, flush.step]
    return ClearPlan.Round(
      groups: [WorkGroup(steps)],
      counts: entry.counts * entries + flush.counts,
      calls: 1,
      protecting: steps.reduce(.zero) { $0 + $1.work },
      hold: step.unit
    )
  }
}
