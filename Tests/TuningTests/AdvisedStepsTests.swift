// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

@testable import Tuning

/// What KVM, QEMU and a shell take, written down apart from what writes the advice.
///
/// Numbers: `kvm_vm_ioctl_enable_cap()` and `kvm_is_block_size_supported()` of 6.5 for splitting, `virt/kvm/dirty_ring.c` of
/// 6.2 for rings, the documentation of `KVM_CLEAR_DIRTY_LOG`, QEMU's for its options, `net-sysfs` of 5.12 for threaded NAPI.
private struct Accepted {
  let release: KernelRelease
  let host: HostProfile
  let memory: GuestMemory

  /// What is wrong with a step; nil where it is taken as it stands.
  func problem(_ step: ApplyStep) -> String? {
    for text in [step.text, step.undo].compactMap(\.self) {
      if let problem = problem(text, at: step.place) { return problem }
    }
    return nil
  }

  private func problem(_ text: String, at place: String) -> String? {
    switch place {
    case "host": onHost(text)
    case "ioctl": ofIoctl(text)
    case "qemu": ofQEMU(text)
    case "vmm": ofCalls(text)
    case "cloud-hypervisor": text.hasPrefix("no option; ") ? nil : "it has no such option"
    case "kernel": ofSource(text)
    default: "nobody knows the place \(place)"
    }
  }

  private func isSince(_ major: Int, _ minor: Int) -> Bool {
    release >= KernelRelease(major: major, minor: minor)
  }

  /// The only number in a text after a prefix.
  private func number(_ text: String, after prefix: String) -> Int64? {
    text.range(of: prefix).flatMap { Int64(text[$0.upperBound...].prefix(while: \.isNumber)) }
  }

  private func onHost(_ text: String) -> String? {
    if text.hasSuffix("/threaded") {
      let isWritten = text.hasPrefix("echo 1 > ") || text.hasPrefix("echo 0 > ")
      return isSince(5, 12) && isWritten ? nil : "5.12 has the first file `threaded`: 0 or 1"
    }
    if let queues = number(text, after: "ethtool -L INTERFACE combined ") {
      let most = max(host.nic.queues, host.cpus)
      return (1...Int64(most)).contains(queues) ? nil : "\(queues) queues of at most \(most)"
    }
    if ["systemctl stop irqbalance", "systemctl start irqbalance"].contains(text) { return nil }
    let list =
      if let words = text.wholeMatch(of: /taskset -acp (\S+) VMM_PID( #.*)?/) {
        words.1
      } else if let range = text.range(of: "do echo ") {
        text[range.upperBound...].prefix { $0 != " " }
      } else { Substring("nobody knows this command") }
    let ends = list.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
      first <= last, last < host.cpus, first >= 0
    else { return "CPUs \(list) of \(host.cpus)" }
    return nil
  }

  private func ofIoctl(_ text: String) -> String? {
    if let bytes = number(text, after: "KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, ") {
      guard isSince(6, 5) else { return "6.5 has the first eager split" }
      // Zero is off; else exactly a page or a block that the granule has.
      let sizes = ((host.granule == .size4K ? 1 : 2)...3).map {
        host.granule.entrySize(level: $0).rawValue
      }
      return bytes == 0 || sizes.contains(bytes) ? nil : "no block of \(bytes) bytes"
    }
    if let bytes = number(text, after: "KVM_CAP_DIRTY_LOG_RING_ACQ_REL, ") {
      guard isSince(6, 2) else { return "6.2 has the first ring on arm64" }
      let isLegal = bytes.nonzeroBitCount == 1 && (16_384...1_048_576).contains(bytes)
      return isLegal ? nil : "a ring of \(bytes) bytes"
    }
    if let pages = number(text, after: "num_pages=") {
      return pages > 0 && pages % 64 == 0 ? nil : "\(pages) pages are no multiple of 64"
    }
    let others = [
      "KVM_ENABLE_CAP(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)",
      "KVM_ENABLE_CAP(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | "
        + "KVM_DIRTY_LOG_INITIALLY_SET)",
      "KVM_GET_DIRTY_LOG, then KVM_CLEAR_DIRTY_LOG (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)",
      "KVM_GET_DIRTY_LOG alone, without KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2",
      "KVM_CLEAR_DIRTY_LOG over the whole slot",
      "KVM_MEM_LOG_DIRTY_PAGES in the memory slots from the guest's start on",
    ]
    return others.contains(text) ? nil : "nobody knows this call"
  }

  private func ofQEMU(_ text: String) -> String? {
    if let bytes = number(text, after: "-accel kvm,eager-split-size=") {
      return bytes == 0 || bytes.nonzeroBitCount == 1 ? nil : "\(bytes) is no power of two"
    }
    if let entries = number(text, after: "-accel kvm,dirty-ring-size=") {
      let isLegal = entries.nonzeroBitCount == 1 && (1_024...65_536).contains(entries)
      return isLegal ? nil : "a ring of \(entries) entries"
    }
    if let shift = number(text, after: "-global migration.x-clear-bitmap-shift=") {
      return (6...31).contains(shift) ? nil : "a shift of \(shift)"
    }
    let isWord = text.hasPrefix("no option; ") || text.hasSuffix("there is no option")
    return isWord || text == "as it does without dirty-ring-size" ? nil : "no option of QEMU's"
  }

  /// Calls on the guest's memory: whole pages, and whole huge pages where it is of hugetlb.
  private func ofCalls(_ text: String) -> String? {
    guard text.hasPrefix("munmap(p, ") || text.hasPrefix("madvise(p, ") else { return nil }
    guard let start = text.range(of: "(p, ")?.upperBound,
      let size = try? ByteCount(parsing: String(text[start...].prefix { $0 != "," && $0 != ")" }))
    else { return "a call without a size" }
    let page = memory.hugetlbPage(host.granule) ?? host.granule.page
    guard size.rawValue % page.rawValue == 0 else { return "\(size) is no multiple of \(page)" }
    guard let times = number(text, after: "), "), times > 0 else { return "no number of calls" }
    let covered = Double(times) * Double(size.rawValue)
    let bytes = Double(memory.size.rawValue)
    return covered >= bytes && covered < bytes + Double(size.rawValue)
      ? nil : "\(times) calls of \(size) over \(memory.size)"
  }

  /// Places in the source that every release since 5.10 has.
  private func ofSource(_ text: String) -> String? {
    let known = [
      "stage2_range_addr_end()", "stage2_apply_range()", "flush ", "count cleared leaves",
      "leave out invalidation", "end a call of the walker",
    ]
    return known.contains { text.contains($0) } ? nil : "nobody knows this place"
  }
}

/// Every step of the advice is one that its kernel, its VMM or a shell takes.
@Suite struct AdvisedStepsTests {
  private static let store = ProfileStore(directories: [packageRoot.appending(path: "models")])

  @Test func stepsOfStoredAnswersAreTaken() throws {
    var scripts: Set<String> = []
    var count = 0
    for answer in try StoredAnswer.all() {
      let accepted = Accepted(answer.setup)
      for step in answer.apply {
        #expect(accepted.problem(step) == nil, "\(answer.file): \(step.text)")
        if step.place == "host" { scripts.formUnion([step.text, step.undo].compactMap(\.self)) }
        count += 1
      }
    }
    #expect(count > 300)
    try expectShellReads(scripts)
  }

  @Test func stepsOfRandomPoliciesAreTaken() throws {
    var scripts: Set<String> = []
    var places: [String: Int] = [:]
    let workloads = Self.store.names(of: .workload)
    let hosts = Self.store.names(of: .host)
    let kernels = Self.store.names(of: .kernel)
    for seed in Property.seeds(150) {
      var chance = Seed(seed).stream("steps")
      func pick(_ names: [String]) -> String {
        names[Int(chance.uniform(below: UInt64(names.count)))]
      }
      guard
        let setup = try? LoadedSetup(
          workload: pick(workloads),
          host: pick(hosts),
          kernel: pick(kernels),
          from: Self.store
        )
      else { continue }
      let question = Question(setup.setup)
      let accepted = Accepted(setup)
      for _ in 0..<12 {
        guard let policy = Self.policy(for: question, &chance) else { continue }
        for change in policy.changes(from: question.presentPolicy) {
          for step in policy.steps(change, question) {
            let problem = accepted.problem(step)
            #expect(problem == nil, "seed \(seed): \(setup.files[0]) \(policy): \(step.text)")
            if step.place == "host" {
              scripts.formUnion([step.text, step.undo].compactMap(\.self))
            }
            places[step.place, default: 0] += 1
          }
        }
      }
    }
    for place in ["host", "ioctl", "qemu", "vmm", "kernel", "cloud-hypervisor"] {
      #expect(places[place, default: 0] > 0, "no step at \(place)")
    }
    try expectShellReads(scripts)
  }

  /// A policy with half of the knobs at ends of their ranges; nil where it is impossible there.
  private static func policy(
    for question: Question,
    _ chance: inout Randomness.Stream
  ) -> Policy? {
    var policy = question.presentPolicy
    for key in PolicyKey.allCases where chance.uniform(below: 2) == 0 {
      let ends = key.ends
      try? policy.set(key, to: ends[Int(chance.uniform(below: UInt64(ends.count)))])
    }
    guard (try? policy.validate(in: question.setting)) != nil,
      (try? question.workload.refuseIdle(policy, turnedFrom: question.setting.baseline)) != nil
    else { return nil }
    return policy.canonical(in: question.setting)
  }

  /// A shell takes the commands apart without running them.
  private func expectShellReads(_ scripts: Set<String>) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-n", "-c", scripts.sorted().joined(separator: "\n")]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}

extension Accepted {
  init(_ setup: LoadedSetup) {
    let question = Question(setup.setup)
    release = question.kernel.release
    (host, memory) = (question.host, question.workload.memory)
  }
}
