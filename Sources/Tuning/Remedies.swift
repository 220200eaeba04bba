// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities

/// A change outside batching with which the present policy keeps limits that no policy keeps.
package struct Remedy: Hashable, Sendable, Codable {
  /// How it is done, without a kernel change.
  package let steps: [ApplyStep]
  /// The change of the workload as `--set` takes it; empty where nothing is unmapped any more.
  package let settings: [String]
  /// What a whole run with it came to; empty where nothing is unmapped any more.
  package let values: [ResponseValue]
}

/// A remedy that is to be tried: what it changes, and how it is done.
private struct Trial {
  let settings: [(key: String, value: String)]
  let steps: [ApplyStep]
}

extension RecommendationRun {
  /// What keeps the limits that no policy keeps.
  ///
  /// For unmaps of a running guest, larger calls, a lower rate, and none are tried; else huge pages
  /// under the guest. A remedy is named only where a whole run with it keeps every limit, or where nothing is left to run.
  func remedies() throws(TuningError) -> [Remedy]? {
    guard question.workload.operation != .reclaim else { return try remediesOfUnmaps() }
    guard winner == nil, question.setup.layout == .mix, let trial = hugePages,
      let remedy = try tried(trial)
    else { return nil }
    return [remedy]
  }

  private func remediesOfUnmaps() throws(TuningError) -> [Remedy]? {
    let broken = goal.violations(of: means(present)).filter(\.response.isOfGuest)
    guard question.workload.operation == .reclaim, winner == nil, !broken.isEmpty,
      question.setup.layout == .mix
    else { return nil }
    var found = question.workload.unmap.withoutAny.map {
      Remedy(steps: [$0], settings: [], values: [])
    }
    if let trial = largerCalls, let remedy = try tried(trial) { found.append(remedy) }
    for trial in try slowerCalls() {
      guard let remedy = try tried(trial) else { continue }
      found.append(remedy)
      break
    }
    return found
  }

  /// Notifier calls a second under the present policy.
  private var presentRate: Double {
    guard let report = bench.known(present, .full).first, let guest = report.guest else { return 0 }
    return Double(guest.calls) / max(1e-9, report.operation.whole.inSeconds)
  }

  /// The remedy of a trial whose whole run keeps every limit; nil for others.
  private func tried(_ trial: Trial) throws(TuningError) -> Remedy? {
    guard bench.allowance.left > 0 else { return nil }
    var changed = question
    for (name, value) in trial.settings {
      let key = WorkloadProfile.keys.first { $0.name == name }
      guard key?.write(value, to: &changed.workload) == true else { return nil }
    }
    let other = Bench(changed, tools: tools, allowance: bench.allowance)
    // A trial that takes more events than a run may have is no remedy that anybody could check.
    guard let report = try? other.runs(present, replicates: 1, .full).first else { return nil }
    guard goal.violations(of: goal.values(of: report)).isEmpty else { return nil }
    return Remedy(
      steps: trial.steps,
      settings: trial.settings.map { "\($0.key)=\($0.value)" },
      values: goal.shown.compactMap { response in
        report.value(of: response).map { ResponseValue(response: response, value: $0) }
      }
    )
  }

  /// Blocks under all of the guest that has been on pages so far; nil where it is on none.
  private var hugePages: Trial? {
    let (memory, operation) = (question.workload.memory, question.workload.operation)
    let chunked: [StageTwoOperation] = [.teardown, .logEnable, .migration]
    guard chunked.contains(operation), memory.hugetlb == nil,
      memory.blockShare + memory.hugeBlockShare < 1
    else { return nil }
    let block = question.setting.smallestBlock
    let step = ApplyStep(
      knobClass: .today,
      place: "host",
      text: "huge pages of \(block) under the guest from its start on: madvise(MADV_HUGEPAGE) on "
        + "its memory, or /sys/kernel/mm/transparent_hugepage/enabled at always",
      undo: nil
    )
    let share = ("vm.block_share", significant(1 - memory.hugeBlockShare))
    return Trial(settings: [share], steps: [step])
  }

  /// The same bytes a second in calls of a block each; nil where calls are as large already.
  private var largerCalls: Trial? {
    let (load, memory) = (question.workload.unmap, question.workload.memory)
    let (page, block) = (question.host.granule.page, question.setting.smallestBlock)
    let isSmall = load.hasRanges ? (load.range ?? page) < block : memory.blockShare < 1
    guard isSmall, memory.hugeBlockShare == 0 else { return nil }
    var settings = [(key: "unmap.range", value: block.description)]
    if let stride = load.stride {
      settings.append(("unmap.stride", max(stride, block).description))
    }
    let fewer = presentRate * Double((load.range ?? page).rawValue) / Double(block.rawValue)
    settings.append(("unmap.rate", "\(max(1, Int(fewer)))"))
    if load.cause?.needsHugePages ?? true { settings.append(("vm.block_share", "1")) }
    let order = (block.rawValue / page.rawValue).trailingZeroBitCount
    return Trial(settings: settings, steps: load.largerSteps(block, order: order))
  }

  /// The rate at which refills alone leave room under the limit on what the guest loses, and a third.
  private func slowerCalls() throws(TuningError) -> [Trial] {
    let now = presentRate
    let guest: RunningGuest?
    do throws(OperationError) {
      guest = try BatchedOperation(question.setup, present).runningGuest()
    } catch {
      throw .simulation(error.description)
    }
    let bound = goal.limits.filter { $0.response == .guestLost }.map(\.bound).min() ?? 1
    guard let guest, now > 0, bound > 0 else { return [] }
    var rate = now / 2
    while rate > 1, guest.refilling(every: .seconds(rounding: 1 / rate)) > 0.6 * bound { rate /= 2 }
    return [rate, rate / 3].map(Self.rounded).filter { $0 > 0 }.compactMap { rate in
      question.workload.unmap.slowerStep(rate, from: now).map { step in
        Trial(settings: [("unmap.rate", "\(rate)")], steps: [step])
      }
    }
  }
}

extension RecommendationRun {
  /// A rate with one significant digit, rounded down.
  private static func rounded(_ rate: Double) -> Int {
    var unit = 1.0
    while rate / unit >= 10 { unit *= 10 }
    return Int((rate / unit).rounded(.down) * unit)
  }
}

extension UnmapCause {
  /// Whether larger calls need larger pages: the host unmaps a page or folio at a time.
  fileprivate var needsHugePages: Bool { self == .reclaim || self == .numaBalancing }
}

extension UnmapLoad {
  private func today(_ place: String, _ text: String) -> ApplyStep {
    ApplyStep(knobClass: .today, place: place, text: text, undo: nil)
  }

  /// Ways to have nothing unmapped at all.
  fileprivate var withoutAny: [ApplyStep] {
    switch cause ?? .reclaim {
    case .numaBalancing:
      [
        today("host", "sysctl kernel.numa_balancing=0: nothing is unmapped any more"),
        today(
          "vmm",
          "bind the guest's memory (numactl --membind, or memory-backend-ram,host-nodes=N,policy=bind) "
            + "and pin its vCPUs to the same nodes: bound memory is not scanned"
        ),
      ]
    case .pageReporting:
      [today("qemu", "virtio-balloon-pci,free-page-reporting=off: nothing is unmapped any more")]
    case .reclaim:
      [
        today(
          "vmm",
          "lock the guest's memory (mlock, QEMU's -overcommit mem-lock=on), or memory.min of its cgroup: "
            + "nothing is reclaimed from it"
        )
      ]
    case .balloon: []
    }
  }

  /// Ways to have calls of a block each.
  fileprivate func largerSteps(_ block: ByteCount, order: Int) -> [ApplyStep] {
    switch cause ?? .reclaim {
    case .pageReporting:
      [today("guest", "page_reporting.page_reporting_order=\(order): reports of \(block)")]
    case .balloon:
      [today("qemu", "virtio-mem with block-size=\(block) in place of a balloon of pages")]
    case .reclaim, .numaBalancing:
      [
        today(
          "host",
          "huge pages under the guest (madvise(MADV_HUGEPAGE) on its memory): a call for each "
            + "\(block)"
        )
      ]
    }
  }

  /// A way to have fewer calls a second; nil where nobody can be told.
  fileprivate func slowerStep(_ rate: Int, from now: Double) -> ApplyStep? {
    let times = significant(now / Double(rate), digits: 2)
    switch cause ?? .reclaim {
    case .numaBalancing:
      return today(
        "host",
        "scan \(times) times less often: numa_balancing scan_period_min_ms times \(times)"
      )
    case .reclaim:
      return today(
        "host",
        "reclaim ahead in small writes to the cgroup's memory.reclaim: at most \(rate) pages or folios a "
          + "second"
      )
    case .balloon:
      return today("vmm", "inflate in small steps: at most \(rate) calls a second")
    case .pageReporting: return nil
    }
  }
}
