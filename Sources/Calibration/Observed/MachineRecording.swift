// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import PageTables
import Quantities

/// What the kernel's own tests, traces and debugfs show.
extension RecordingFile {
  // MARK: - KVM selftests

  /// Output of a KVM selftest, plain or as `make run_tests` prints it.
  static func selftest(_ text: RecordingText) throws(LogError) -> Recording? {
    let all = text.text
    let isTest =
      text.has("Testing guest mode: ") || text.has("selftests: kvm:")
      || (text.has("# SKIP") && text.head.contains { $0.hasPrefix("1..") })
    guard isTest else { return nil }
    var recording = Recording(text.file, .selftest)
    if let skip = skipped(text) {
      recording.unknown.append("nothing was measured: \(skip)")
      return recording
    }
    let log = try SelftestLog(parsing: Array(all.utf8), file: text.file)
    let modes = log.modes
    if let bits = Set(modes.compactMap { Self.bits($0.name) }).only {
      recording.set("vm.ipa_bits", "\(bits)", "guest mode \(modes[0].name)")
    }
    if let memory = Set(modes.compactMap(\.memory)).only {
      recording.set("vm.memory", memory.description, "the tested memory")
    }
    if let vcpus = Set(modes.compactMap(\.vcpus)).only {
      recording.set("vm.vcpus", "\(vcpus)", "vCPUs of the test")
    }
    let backing = Set(modes.compactMap(\.backing)).only
    if let backing { setBacking(backing, &recording) }
    // Several modes are several guests; several tests of one mode are one.
    let isOne = Set(modes.map(\.name)).count == 1 && Set(modes.compactMap(\.memory)).count < 2
    for mode in modes {
      for one in mode.measurements {
        if isOne {
          recording.hold(one.name, Double(one.time.rawValue), iteration: one.iteration)
        } else {
          let turn = one.iteration.map { " \($0)" } ?? ""
          recording.show("\(mode.name): \(one.name)\(turn)", one.time.description)
        }
      }
    }
    recording.unknown.append("host.granule: the mode names the guest's pages, not the host's")
    if backing == nil {
      recording.unknown.append("vm.block_share: this test does not print what backs its memory")
    }
    return recording
  }

  /// The reason of a TAP skip; nil where something was run.
  private static func skipped(_ text: RecordingText) -> Substring? {
    let isRun = text.lines.contains { $0.contains(" time: ") }
    let line = text.lines.first { $0.contains("# SKIP") || $0.contains("# skip") }
    return isRun ? nil : line?.trimmed
  }

  private static func bits(_ mode: String) -> Int? {
    mode.hasPrefix("PA-bits:") ? Int(mode.dropFirst(8).prefix { $0.isNumber }) : nil
  }

  private static func setBacking(_ backing: String, _ recording: inout Recording) {
    switch backing {
    case "anonymous": recording.set("vm.block_share", "0", "backing \(backing)")
    case "anonymous_thp": recording.set("vm.block_share", "1", "backing \(backing)")
    case "anonymous_hugetlb_2mb": recording.set("vm.hugetlb", "2MiB", "backing \(backing)")
    case "anonymous_hugetlb_1gb": recording.set("vm.hugetlb", "1GiB", "backing \(backing)")
    default: recording.unknown.append("vm.block_share: backing \(backing)")
    }
  }

  // MARK: - debugfs

  /// A stage-2 dump, with what may stand before it.
  static func dump(_ text: RecordingText) throws(LogError) -> Recording? {
    let isDump = text.head.contains { line in
      line.hasPrefix("---[ Guest IPA") || (line.hasPrefix("0x") && line.dropFirst(18).first == "-")
    }
    guard isDump else { return nil }
    var fitting: [(Granule, Stage2Dump)] = []
    var first: LogError?
    for granule in Granule.allCases {
      do throws(LogError) {
        let bytes = Array(text.text.utf8)
        fitting.append(
          (granule, try Stage2Dump(parsing: bytes, file: text.file, granule: granule))
        )
      } catch {
        first = first ?? error
      }
    }
    guard let (granule, dump) = fitting.last else {
      throw first ?? text.error("no range", legal: "a stage-2 dump")
    }
    var recording = Recording(text.file, .dump)
    if fitting.count == 1 {
      recording.set("host.granule", granule.rawValue, "the only page size that every leaf fits")
    } else {
      recording.unknown.append(
        "host.granule: \(fitting.map { $0.0.rawValue }.joined(separator: " and ")) fit all leaves"
      )
    }
    if let bits = dump.ipaBits {
      recording.set("vm.ipa_bits", "\(bits)", "a number before the dump")
    }
    recording.show("mapped", dump.mappedBytes.description)
    for level in 1...3 {
      let leaves = dump.mappings.filter { $0.level == level }
      let size = leaves.reduce(ByteCount.zero) { $0 + $1.range.size }
      guard size > .zero else { continue }
      recording.show("leaves of level \(level)", size.description)
    }
    if dump.skippedGarbage {
      recording.ignored.append("a first range that ends before it begins (6.12)")
    }
    recording.unknown.append("vm.memory: give the dump itself, by --stage2-dump")
    return recording
  }

  /// `ipa_range` or `stage2_levels`: a number alone.
  static func ipaRange(_ text: RecordingText) throws(LogError) -> Recording? {
    guard text.head.count == 1, let number = Int(text.head[0].trimmed) else { return nil }
    var recording = Recording(text.file, .ipaRange)
    switch number {
    case 2...5: recording.show("levels of stage 2", "\(number)")
    case 32...52: recording.set("vm.ipa_bits", "\(number)", "the number in the file")
    default: throw text.error(at: 0, legal: "32 to 52 bits of IPA, or 2 to 5 levels")
    }
    return recording
  }

  // MARK: - ftrace

  /// A trace of the walker or of KVM's tracepoints, as tracefs, `trace-cmd report` or `perf script`
  /// write it.
  static func ftrace(_ text: RecordingText) throws(LogError) -> Recording? {
    let body = text.text
    let isWalker =
      text.has("kvm_pgtable_stage2_") || text.has(" s2unmap: ")
      || text.has(" s2wp: ")
    let isTraced = text.has("kvm_unmap_hva_range: ") || text.has("kvm_guest_fault: ")
    guard body.hasPrefix("# tracer:") || isWalker || isTraced else { return nil }
    // Definitions of kprobes name the walker's functions as well.
    guard !text.head[0].hasPrefix("p:") else { return nil }
    var recording = Recording(text.file, isWalker ? .walkerTrace : .tracepoints)
    if isWalker {
      let trace = try ChunkTrace(parsing: Array(body.utf8), file: text.file)
      describe(trace, &recording)
    }
    if isTraced { try describeUnmaps(text, &recording) }
    guard !recording.figures.isEmpty || !recording.settings.isEmpty else {
      throw text.error(
        "a trace without a call of the stage-2 walker or an unmap",
        legal: "function_graph of kvm_pgtable_stage2_unmap, or kvm:kvm_unmap_hva_range"
      )
    }
    return recording
  }

  private static func describe(_ trace: ChunkTrace, _ recording: inout Recording) {
    for function in ChunkTrace.Function.allCases {
      let calls = trace.calls.filter { $0.function == function }
      guard !calls.isEmpty else { continue }
      let times = calls.map(\.duration).sorted()
      recording.show(
        "\(function.rawValue) calls",
        "\(calls.count), \(times[times.count / 2]) in the middle, \(times[times.count - 1]) at most"
      )
      let sizes = Set(calls.compactMap { $0.range?.size }).sorted()
      if let largest = sizes.last {
        recording.show("\(function.rawValue) chunks", "\(largest) at most, \(sizes.count) sizes")
      }
    }
    if trace.calls.allSatisfy({ $0.range == nil }) {
      recording.unknown.append("chunk sizes: function_graph shows no arguments; kprobes do")
    }
  }

  /// Ranges and rate of the notifier's unmaps.
  private static func describeUnmaps(
    _ text: RecordingText,
    _ recording: inout Recording
  ) throws(LogError) {
    let mark = "kvm_unmap_hva_range: mmu notifier unmap range: "
    var calls: [(time: Double, start: UInt64, size: Int64)] = []
    var faults = 0
    for (index, line) in text.lines.enumerated() {
      if line.contains("kvm_guest_fault: ") { faults += 1 }
      guard let place = line.range(of: mark) else { continue }
      let bounds = line[place.upperBound...].words.filter { $0 != "--" }.map {
        UInt64($0.trimmingPrefix("0x"), radix: 16)
      }
      let stamp = line[..<place.lowerBound].words.last {
        $0.hasSuffix(":") && Double($0.dropLast()) != nil
      }?.dropLast()
      guard bounds.count >= 2, let low = bounds[0], let high = bounds[1], low < high,
        high - low < 1 << 56, let time = stamp.flatMap({ Double($0) }), time.isFinite
      else {
        throw text.error(at: index, legal: "a time, \(mark)0x1000 -- 0x2000")
      }
      calls.append((time, low, Int64(high - low)))
    }
    if faults > 0 { recording.show("guest faults", "\(faults)") }
    guard let first = calls.first, let last = calls.last else { return }
    for pair in zip(calls, calls.dropFirst()) where pair.1.time < pair.0.time {
      recording.ignored.append("a clock that goes back from \(pair.0.time) to \(pair.1.time) s")
      break
    }
    let sizes = calls.map(\.size).sorted()
    let middle = ByteCount(rawValue: sizes[sizes.count / 2])
    recording.show("unmaps", "\(calls.count), \(middle) in the middle")
    guard calls.count > 9, last.time > first.time else {
      recording.unknown.append("unmap.rate: \(calls.count) calls are few")
      return
    }
    recording.set("unmap.range", middle.description, "the middle of \(calls.count) unmaps")
    let rate = Double(calls.count - 1) / (last.time - first.time)
    recording.set(
      "unmap.rate",
      "\(Int64(saturating: rate.rounded()))",
      "unmaps a second in the trace"
    )
  }
}

extension Set {
  /// The one element of a set that has one.
  fileprivate var only: Element? { count == 1 ? first : nil }
}
