// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
import Policies
import Profiles
import Quantities

extension RecommendationRun {
  /// How to put the recommended policy into effect; where there is none, the best of each class.
  func applySteps() -> [ApplyStep] {
    let policies = winner.map { [$0] } ?? [best(of: .today), best(of: .kernel)].compactMap { $0 }
    var steps: [ApplyStep] = []
    for policy in policies {
      for change in policy.changes(from: present) {
        for step in policy.steps(change, question) where !steps.contains(step) {
          steps.append(step)
        }
      }
    }
    return steps
  }
}

extension Policy {
  /// The ways to turn one knob to where this policy has it.
  ///
  /// QEMU's options are those of its documentation and of `info migrate`; where a VMM has no option
  /// for a knob, the step says so.
  func steps(_ change: PolicyChange, _ question: Question) -> [ApplyStep] {
    planned(change, question).map(\.step)
  }

  /// The same ways, each with what a host shows of it.
  func planned(_ change: PolicyChange, _ question: Question) -> [PlannedStep] {
    switch change.key {
    case .chunk, .tlbi, .controller, .breaks: [kernelStep(change, question)]
    case .split: splitSteps
    case .log: logSteps
    case .harvest: harvestSteps
    case .clear: clearSteps(question.host.granule)
    case .path: [today("vmm", pathText, .call)]
    case .slice: sliceSteps(question)
    case .pause:
      [
        today(
          "vmm",
          pause == .zero ? "sched_yield() between slices" : "sleep \(pause) between slices",
          .call
        )
      ]
    case .irq:
      interruptSteps(question.host)
    case .napi:
      [
        today(
          "host",
          Self.threaded(threadedNAPI),
          .threadedNAPI(threadedNAPI),
          undo: Self.threaded(!threadedNAPI)
        )
      ]
    }
  }

  private func today(
    _ place: String,
    _ text: String,
    _ trace: StepTrace,
    undo: String? = nil
  ) -> PlannedStep {
    let step = ApplyStep(knobClass: .today, place: place, text: text, undo: undo)
    return PlannedStep(step: step, trace: trace)
  }

  private static func threaded(_ isThreaded: Bool) -> String {
    "echo \(isThreaded ? 1 : 0) > /sys/class/net/INTERFACE/threaded"
  }

  private func kernelStep(_ change: PolicyChange, _ question: Question) -> PlannedStep {
    let text =
      switch change.key {
      case .chunk: chunkText(question.setting)
      case .tlbi: flushText
      case .controller: "end a chunk in stage2_apply_range() by \(change.to) and go on from there"
      default: "offer a break point after every chunk in stage2_apply_range()"
      }
    let step = ApplyStep(knobClass: .kernel, place: "kernel", text: text, undo: nil)
    return PlannedStep(step: step, trace: .source)
  }

  private func chunkText(_ setting: PolicySetting) -> String {
    let place = "in stage2_range_addr_end(), arch/arm64/kvm/mmu.c,"
    switch chunk {
    case .mappingAware(let size):
      return "\(place) advance by \(size), or to the end of the leaf that the walk met"
    case .visits(let count): return "end a call of the walker after \(count) entries"
    default:
      let size = setting.size(of: chunk)
      let level = (0...3).first { setting.granule.entrySize(level: $0) == size }
      if let level { return "\(place) use kvm_granule_size(\(level)) as the size" }
      return "\(place) use \(size?.description ?? "") as the size"
    }
  }

  private var flushText: String {
    switch flush {
    case .perLeaf: "flush each cleared leaf at once, as without range TLBI"
    case .deferredRange: "flush the range once at the end of kvm_pgtable_stage2_unmap()"
    case .deferredIfCleared(.call): "flush the call's range once, if an entry was cleared"
    case .deferredIfCleared(.clearedLeaves):
      "flush the union of the cleared leaves' spans once, at the end of the call"
    case .vmidAbove(let leaves):
      "count cleared leaves in a call; above \(leaves) flush the VMID once instead"
    case .none: "leave out invalidation; only where no vCPU can run again"
    }
  }

  private var splitSteps: [PlannedStep] {
    [
      today(
        "ioctl",
        "KVM_ENABLE_CAP(KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, \(eagerSplit.rawValue)) before the "
          + "first memory slot",
        .capability
      ),
      today(
        "qemu",
        "-accel kvm,eager-split-size=\(eagerSplit.rawValue)",
        .qemu(.eagerSplit, eagerSplit.rawValue)
      ),
      today("cloud-hypervisor", "no option; it has to make the ioctl itself", .call),
    ]
  }

  /// A CPU without a queue's interrupt, and the walk on it; where every CPU has a queue, one goes.
  private func interruptSteps(_ host: HostProfile) -> [PlannedStep] {
    let (left, all) = (max(1, host.cpus) - 1, "0-\(max(1, host.cpus) - 1)")
    guard interrupt == .moved else {
      return [
        today("host", Self.affinity("\(left)"), .interruptsTogether, undo: Self.affinity(all))
      ]
    }
    var steps: [PlannedStep] = []
    if host.nic.queues >= host.cpus {
      steps.append(
        today(
          "host",
          "ethtool -L INTERFACE combined \(max(1, host.cpus - 1))",
          .queues(atMost: max(1, host.cpus - 1)),
          undo: "ethtool -L INTERFACE combined \(host.nic.queues)"
        )
      )
    }
    return steps + [
      today(
        "host",
        "systemctl stop irqbalance",
        .noBalancer,
        undo: "systemctl start irqbalance"
      ),
      today(
        "host",
        Self.affinity(left > 1 ? "0-\(left - 1)" : "0"),
        .interruptsApart,
        undo: Self.affinity(all)
      ),
      today(
        "host",
        "taskset -acp \(left) VMM_PID # before the operation",
        .pinned,
        undo: "taskset -acp \(all) VMM_PID"
      ),
    ]
  }

  /// Where the interrupts of an interface's queues go.
  private static func affinity(_ cpus: String) -> String {
    "for i in /sys/class/net/INTERFACE/device/msi_irqs/*; do echo \(cpus) "
      + "> /proc/irq/${i##*/}/smp_affinity_list; done"
  }

  private var harvestSteps: [PlannedStep] {
    switch harvest {
    case .clear:
      return [
        today(
          "ioctl",
          "KVM_GET_DIRTY_LOG, then KVM_CLEAR_DIRTY_LOG (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)",
          .capability
        ),
        today("qemu", "as it does without dirty-ring-size", .qemu(.dirtyRing, 0)),
        today("cloud-hypervisor", "no option; it has to make both ioctls itself", .call),
      ]
    case .get:
      return [
        today(
          "ioctl",
          "KVM_GET_DIRTY_LOG alone, without KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2",
          .capability
        ),
        today("qemu", "no option; it takes CLEAR wherever the kernel offers it", .call),
      ]
    case .ring(let entries):
      return [
        today(
          "ioctl",
          "KVM_ENABLE_CAP(KVM_CAP_DIRTY_LOG_RING_ACQ_REL, \(entries * 16)) before the first vCPU, then "
            + "KVM_RESET_DIRTY_RINGS",
          .capability
        ),
        today(
          "qemu",
          "-accel kvm,dirty-ring-size=\(entries) when the guest is started",
          .qemu(.dirtyRing, Int64(entries))
        ),
        today("cloud-hypervisor", "no option; it has to map and reset the rings itself", .call),
      ]
    }
  }

  private var logSteps: [PlannedStep] {
    if logStart == .boot {
      return [
        today(
          "ioctl",
          "KVM_MEM_LOG_DIRTY_PAGES in the memory slots from the guest's start on",
          .call
        )
      ]
    }
    let flags =
      logStart == .allSet
      ? "KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET"
      : "KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE"
    return [
      today("ioctl", "KVM_ENABLE_CAP(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, \(flags))", .capability),
      today("qemu", "both flags wherever the kernel offers them; there is no option", .capability),
    ]
  }

  private func clearSteps(_ granule: Granule) -> [PlannedStep] {
    guard let clearRange else {
      return [today("ioctl", "KVM_CLEAR_DIRTY_LOG over the whole slot", .call)]
    }
    let pages = clearRange.divided(roundedUpBy: granule.page)
    let (range, standard) = (QEMUClearRange(clearRange), QEMUClearRange.standard)
    return [
      today(
        "ioctl",
        "KVM_CLEAR_DIRTY_LOG with num_pages=\(pages) (\(granule.rawValue) pages of the host)",
        .call
      ),
      today(
        "qemu",
        "-global \(range.argument) (ranges of \(range.sizeText), whatever the host's page; default "
          + "\(standard.shift), \(standard.size.spaced))",
        .qemu(.clearShift, Int64(range.shift))
      ),
      today("cloud-hypervisor", "no option; it has to cut its ioctl itself", .call),
    ]
  }

  private var pathText: String {
    switch path {
    case .processExit: "end the VMM's process without unmapping the guest's memory first"
    case .memslotDelete: "delete the memory slots by KVM_SET_USER_MEMORY_REGION with size 0"
    case .madviseSlices: "give the memory back by madvise(MADV_DONTNEED) before closing"
    default: "munmap the guest's memory"
    }
  }

  private func sliceSteps(_ question: Question) -> [PlannedStep] {
    guard let slice else { return [today("vmm", "give the memory back in one call", .call)] }
    let calls = question.workload.memory.size.divided(roundedUpBy: slice)
    let call =
      path == .madviseSlices ? "madvise(p, \(slice), MADV_DONTNEED)" : "munmap(p, \(slice))"
    return [
      today("vmm", "\(call), \(calls) times over the guest's memory, p aligned to \(slice)", .call),
      today(
        "qemu",
        "no option; a helper that shares the memory, or a patch, makes the calls",
        .call
      ),
      today("cloud-hypervisor", "no option; a patch to its teardown makes the calls", .call),
    ]
  }
}
