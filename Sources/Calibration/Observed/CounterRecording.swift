// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// Counters that the kernel shows under /proc.
extension RecordingFile {
  // MARK: - softnet_stat

  /// `/proc/net/softnet_stat`: a row a CPU of 9 to 15 columns of eight hexadecimal digits.
  ///
  /// Column 0 counts packets, 1 drops of the backlog, 2 squeezes, 9 steered packets; from 13 columns on
  /// column 12 is the CPU. Source: `softnet_seq_show` of 2.6.32 to 7.3.
  static func softnet(_ text: RecordingText) throws(LogError) -> Recording? {
    guard let first = text.head.first, isSoftnetRow(first) else { return nil }
    var recording = Recording(text.file, .softnet)
    var width: Int?
    var rows: [Recording.Row] = []
    for (index, line) in text.lines.enumerated() where !line.trimmed.isEmpty {
      let words = line.words
      guard isSoftnetRow(line), width ?? words.count == words.count else {
        throw text.error(
          at: index,
          legal: "\(width ?? words.count) columns of eight hexadecimal digits, as above"
        )
      }
      width = words.count
      let values = words.compactMap { Int64($0, radix: 16) }
      // Older rows have no number, and leave out CPUs that are off.
      let cpu = values.count > 12 ? values[12] : Int64(rows.count)
      rows.append(Recording.Row(cpu: cpu, counts: Array(values.prefix(3))))
    }
    recording.show("columns", "\(width ?? 0)")
    conclude(&recording, rows)
    return recording
  }

  private static func isSoftnetRow(_ line: Substring) -> Bool {
    let words = line.words
    return (9...15).contains(words.count)
      && words.allSatisfy { $0.utf8.count == 8 && $0.allSatisfy { $0.isASCII && $0.isHexDigit } }
  }

  private static func conclude(_ recording: inout Recording, _ rows: [Recording.Row]) {
    recording.counters = rows
    for row in rows {
      recording.show(
        "CPU \(row.cpu)",
        "\(row.counts[0]) packets, \(row.counts[1]) dropped, \(row.counts[2]) squeezes"
      )
    }
    let packets = rows.reduce(0) { $0 + $1.counts[0] }
    let squeezes = rows.reduce(0) { $0 + $1.counts[2] }
    let most = rows.max { $0.counts[0] < $1.counts[0] }
    if let most, packets > 0 {
      recording.show("polls", "CPU \(most.cpu) took \(percent(most.counts[0], of: packets))")
    }
    if let one = rows.first(where: { squeezes > 0 && 10 * $0.counts[2] >= 9 * squeezes }) {
      let share = percent(one.counts[2], of: squeezes)
      recording.set(
        "net.reader",
        "same",
        "CPU \(one.cpu) has \(share) of \(squeezes) squeezes: its polls end for want of time, as "
          + "beside a task that shares the CPU with them"
      )
    } else {
      recording.unknown.append("net.reader: no CPU has most of the squeezes")
    }
    recording.unknown.append("net.offered and net.flows: packets are counted, not bytes or flows")
    recording.unknown.append("time: rates need the seconds between two snapshots")
  }

  /// What came between two snapshots; nil where they are of different machines.
  static func softnetBetween(_ before: Recording, _ after: Recording) -> Recording? {
    guard let old = before.counters, let new = after.counters, old.map(\.cpu) == new.map(\.cpu)
    else {
      return nil
    }
    // The kernel's counters are 32 bits wide and begin again; half of that going back is a reboot.
    let between = zip(old, new).map { old, new in
      Recording.Row(
        cpu: new.cpu,
        counts: zip(old.counts, new.counts).map { ($1 - $0) & 0xffff_ffff }
      )
    }
    guard between.allSatisfy({ $0.counts.allSatisfy { $0 < 1 << 31 } }) else { return nil }
    var recording = Recording("\(before.file) to \(after.file)", .softnet)
    conclude(&recording, between)
    return recording
  }

  // MARK: - interrupts and softirqs

  static func interrupts(_ text: RecordingText) throws(LogError) -> Recording? {
    let marks = ["GIC", "APIC", "IPI0:", "arch_timer"]
    guard let cpus = columns(text.head.first),
      text.head.contains(where: { line in marks.contains { line.contains($0) } })
    else { return nil }
    var recording = Recording(text.file, .interrupts)
    recording.set("host.cpus", "\(cpus)", "columns of the heading: CPUs that are online")
    var queues: [(name: Substring, counts: [Int64])] = []
    var others = 0
    for line in text.lines.dropFirst() {
      let words = line.words
      guard let first = words.first, first.hasSuffix(":"), words.count > cpus,
        let name = words.last, Int(first.dropLast()) != nil
      else { continue }
      let counts = words[1...].prefix(cpus).compactMap { Int64($0) }
      if counts.count == cpus, isQueue(name) {
        queues.append((name, counts))
      } else {
        others += 1
      }
    }
    for queue in queues.sorted(by: { sum($0.counts) > sum($1.counts) }).prefix(4) {
      let all = sum(queue.counts)
      let most = queue.counts.indices.max { queue.counts[$0] < queue.counts[$1] } ?? 0
      guard all > 0 else { continue }
      recording.show(
        "\(queue.name)",
        "\(all) interrupts, \(percent(queue.counts[most], of: all)) on CPU \(most)"
      )
    }
    recording.ignored.append("\(others) interrupts of no network queue")
    recording.unknown.append(
      "nic.queues: a queue without traffic may share a name; ethtool -l says"
    )
    return recording
  }

  /// The sum of counts, or the largest number there is.
  private static func sum(_ counts: [Int64]) -> Int64 {
    counts.reduce(0) { $0.plus(saturating: $1) }
  }

  private static func isQueue(_ name: Substring) -> Bool {
    ["input", "output", "TxRx", "rx-", "tx-", "-rx", "-tx", "comp", "Tx-Rx", "eth", "mlx5"]
      .contains { name.contains($0) }
  }

  static func softirqs(_ text: RecordingText) throws(LogError) -> Recording? {
    guard let cpus = columns(text.head.first),
      let line = text.lines.first(where: { $0.words.first == "NET_RX:" })
    else { return nil }
    var recording = Recording(text.file, .softirqs)
    recording.set("host.cpus", "\(cpus)", "columns of the heading: possible CPUs")
    let counts = line.words.dropFirst().compactMap { Int64($0) }
    guard counts.count == cpus else {
      let index = text.lines.firstIndex(of: line) ?? 0
      throw text.error(at: index, legal: "\(cpus) counts, one a CPU")
    }
    let all = sum(counts)
    if all > 0, let most = counts.indices.max(by: { counts[$0] < counts[$1] }) {
      recording.show("NET_RX", "\(all), \(percent(counts[most], of: all)) on CPU \(most)")
    }
    return recording
  }

  /// The CPUs of a heading such as `CPU0 CPU1`; nil for other lines.
  private static func columns(_ line: Substring?) -> Int? {
    guard let words = line?.words, !words.isEmpty,
      words.allSatisfy({ $0.hasPrefix("CPU") && Int($0.dropFirst(3)) != nil })
    else { return nil }
    return words.count
  }

  // MARK: - Other files of /proc

  static func netDev(_ text: RecordingText) throws(LogError) -> Recording? {
    guard let first = text.head.first, first.hasPrefix("Inter-|") else { return nil }
    var recording = Recording(text.file, .netDev)
    for (index, line) in text.lines.enumerated().dropFirst(2) where !line.trimmed.isEmpty {
      let parts = line.split(separator: ":", maxSplits: 1)
      let counts = parts.count == 2 ? parts[1].words.map { Int64($0) } : []
      guard counts.count == 16, !counts.contains(nil) else {
        throw text.error(at: index, legal: "an interface, a colon and 16 counts")
      }
      let known = counts.compactMap { $0 }
      guard known[1] > 0, parts[0].trimmed != "lo" else { continue }
      recording.show(
        "\(parts[0].trimmed)",
        "\(known[1]) packets of \(known[0] / max(1, known[1])) bytes received, \(known[3]) dropped"
      )
    }
    recording.unknown.append("net.frame: what was received may have been joined by GRO or LRO")
    return recording
  }

  static func snmp(_ text: RecordingText) throws(LogError) -> Recording? {
    guard text.head.first?.hasPrefix("Ip: Forwarding") == true else { return nil }
    var recording = Recording(text.file, .snmp)
    var names: [Substring] = []
    for line in text.lines {
      let words = line.words
      guard let group = words.first else { continue }
      guard names.first == group, names.count == words.count else {
        names = words
        continue
      }
      let wanted = ["RetransSegs", "RcvbufErrors", "InErrors", "InSegs", "InDatagrams"]
      for (name, value) in zip(names, words) where wanted.contains(String(name)) && value != "0" {
        recording.show("\(group.dropLast()) \(name)", "\(value)")
      }
    }
    return recording
  }

  static func taskStat(_ text: RecordingText) throws(LogError) -> Recording? {
    let words = text.head.first?.words ?? []
    guard text.head.count == 1, words.count >= 40, words[1].hasPrefix("("), words[1].hasSuffix(")"),
      let user = Int64(words[13]), let system = Int64(words[14])
    else { return nil }
    var recording = Recording(text.file, .taskStat)
    recording.show("\(words[1])", "\(user) ticks in user space, \(system) in the kernel")
    return recording
  }

  static func commandLine(_ text: RecordingText) throws(LogError) -> Recording? {
    let words = text.head.first?.words ?? []
    guard text.head.count == 1,
      words.contains(where: { word in
        ["console=", "root=", "BOOT_IMAGE="].contains { word.hasPrefix($0) }
      })
    else { return nil }
    var recording = Recording(text.file, .commandLine)
    for word in words {
      switch word {
      case "preempt=none", "preempt=voluntary", "preempt=full", "preempt=lazy":
        recording.set("kernel.preemption", "\(word.dropFirst(8))", "\(word)")
      case _ where word.hasPrefix("kvm-arm.mode="):
        recording.show("KVM mode", "\(word.dropFirst(13))")
      default: continue
      }
    }
    if recording.settings.isEmpty {
      recording.unknown.append("kernel.preemption: the command line leaves it to the build")
    }
    return recording
  }

  /// A share as people read it.
  static func percent(_ part: Int64, of all: Int64) -> String {
    all > 0 ? "\(significant(100 * Double(part) / Double(all), digits: 3)) %" : "none"
  }
}
