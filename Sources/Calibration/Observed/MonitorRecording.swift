// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Quantities

/// What cloud-hypervisor's log says of a migration that this side sent.
///
/// Up to release 51 a line begins each pass over dirty memory and lists the ranges; later releases print a line of
/// figures for each transmission (with -vv) and one for all of them (with -v).
struct CloudHypervisorLog {
  /// A transmission of memory: the first is of everything.
  struct Pass: Hashable {
    /// When it began, nanoseconds since the program's start; nil where only its figures are printed.
    var began: Nanoseconds?
    /// Lists of dirty ranges that came after it, one for each region of guest memory.
    var tables = 0
    /// What was sent, in bytes.
    var bytes = 0.0
    /// Bytes a second; nil where they are not printed.
    var rate: Double?
    /// From the start of the transmission to that of the next; nil where it is not printed.
    var length: Nanoseconds?
  }

  private(set) var passes: [Pass] = []
  /// Lists of dirty ranges, as they came.
  private var lists: [(at: Nanoseconds, bytes: Double)] = []
  /// Figures of all transmissions, by name.
  private var summary: [Substring: Double]?
  private var end: Nanoseconds?
  private(set) var time: Nanoseconds?
  private(set) var downtime: Nanoseconds?
  private(set) var goal: Nanoseconds?
  private(set) var breakdown: [(name: String, time: Nanoseconds)] = []
  private(set) var passedOver = 0

  /// Whether the text is a log of the program.
  static func recognises(_ text: RecordingText) -> Bool {
    text.head.contains { $0.hasPrefix("cloud-hypervisor: ") && $0.contains(" -- ") }
  }

  init(_ text: RecordingText) throws(LogError) {
    var last = Nanoseconds.zero
    for (index, line) in text.lines.enumerated() {
      guard let (time, message) = Self.parts(line) else {
        if !line.isBlank { passedOver += 1 }
        continue
      }
      guard time >= last else {
        throw text.error(at: index, legal: "a time that is not before that of the line above")
      }
      last = time
      guard try take(message, at: time, index, text) else {
        passedOver += 1
        continue
      }
    }
    if summary == nil { separateStop() }
  }

  /// Takes from the last pass the lists that were asked for while the guest stood still.
  ///
  /// A pass asks once for each region of guest memory. Where there is one pass only, half of its lists are its own.
  private mutating func separateStop() {
    guard let end, let last = passes.last else { return }
    let regions = passes.count > 1 ? passes[0].tables : last.tables / 2
    guard regions > 0, last.tables > regions else { return }
    let stopped = lists.suffix(last.tables - regions)
    passes[passes.count - 1].bytes -= stopped.reduce(0) { $0 + $1.bytes }
    if let first = stopped.first { downtime = end - first.at }
  }

  /// The time and the message of a line; nil where it has none.
  private static func parts(_ line: Substring) -> (Nanoseconds, Substring)? {
    guard line.hasPrefix("cloud-hypervisor: "), let mark = line.range(of: " -- ") else {
      return nil
    }
    let head = line[..<mark.lowerBound].dropFirst("cloud-hypervisor: ".count)
    guard let word = head.words.first, word.hasSuffix(":"), let time = duration(word.dropLast())
    else { return nil }
    return (time, line[mark.upperBound...].trimmed)
  }

  /// A time as it is printed: 23.871000s, 45ms, 12.500000µs.
  private static func duration(_ word: Substring) -> Nanoseconds? {
    let number = word.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let value = Double(number), value.isFinite else { return nil }
    let scale: Double
    switch word[number.endIndex...] {
    case "s": scale = 1e9
    case "ms": scale = 1e6
    case "µs", "us": scale = 1e3
    case "ns": scale = 1
    default: return nil
    }
    guard value * scale < 1e17 else { return nil }
    return Nanoseconds(rawValue: Int64((value * scale).rounded()))
  }

  /// Takes what a message says of a migration; false where it says nothing of one.
  private mutating func take(
    _ message: Substring,
    at time: Nanoseconds,
    _ index: Int,
    _ text: RecordingText
  ) throws(LogError) -> Bool {
    let words = message.words
    if message.hasPrefix("Migration failed") || message.contains("didn't converge in time") {
      throw text.error(at: index, legal: "a migration that came to its end")
    }
    if message.hasPrefix("Dirty memory migration "), words.count == 6 {
      guard let number = Int(words[3]), number == passes.count, summary == nil else {
        throw text.error(at: index, legal: "pass \(passes.count): one migration, from its start")
      }
      passes.append(Pass(began: time))
      return true
    }
    if message.hasPrefix("Dirty Memory Range Table"), !passes.isEmpty {
      passes[passes.count - 1].tables += 1
      lists.append((time, 0))
      return true
    }
    if message.hasPrefix("GPA: "), words.count == 5, words[2] == "size:", !lists.isEmpty {
      guard let size = Double(words[3]), size.isFinite, size >= 0, size < 1e15 else {
        throw text.error(at: index, legal: "a size in KiB from 0")
      }
      lists[lists.count - 1].bytes += size * 1_024
      passes[passes.count - 1].bytes += size * 1_024
      return true
    }
    if message == "Migration complete" {
      end = time
      return true
    }
    return try takeFigures(message, index, text)
  }

  /// Takes a line of figures, as releases after 51 print them.
  private mutating func takeFigures(
    _ message: Substring,
    _ index: Int,
    _ text: RecordingText
  ) throws(LogError) -> Bool {
    if message.hasPrefix("Precopy: iter=") || message.hasPrefix("Precopy complete: iter=") {
      let figures = Self.figures(message)
      guard let number = figures["iter"], let sent = figures["curr"], let rate = figures["bw"],
        let transfer = figures["transfer"], let overhead = figures["overhead"]
      else {
        throw text.error(at: index, legal: "iter=, curr=, bw=, transfer= and overhead= with units")
      }
      let isWhole = message.hasPrefix("Precopy complete")
      if isWhole { summary = figures }
      guard !isWhole else { return true }
      guard number == Double(passes.count) else {
        throw text.error(at: index, legal: "iter=\(passes.count): one migration, from its start")
      }
      passes.append(
        Pass(
          bytes: sent,
          rate: rate,
          length: Nanoseconds(rawValue: Int64(saturating: (transfer + overhead) * 1e9))
        )
      )
      return true
    }
    if message.hasPrefix("Migration completed after ") {
      let times = message.words.map { $0.trimmingPrefix("(") }.compactMap {
        Self.duration($0.last == ")" ? $0.dropLast() : $0)
      }
      guard times.count == 2 || times.count == 3 else {
        throw text.error(at: index, legal: "a time, a downtime and its goal, with units")
      }
      (time, downtime) = (times[0], times[1])
      if times.count == 3 { goal = times[2] }
      return true
    }
    if message.hasPrefix("Downtime breakdown: ") {
      breakdown = message.words.compactMap { word in
        let parts = word.trimmingPrefix("(").split(separator: ":")
        guard parts.count == 2 else { return nil }
        let time = parts[1].last == ")" ? parts[1].dropLast() : parts[1]
        return Self.duration(time).map { (String(parts[0]), $0) }
      }
      return true
    }
    return false
  }

  /// Figures of a line in bytes, bytes a second and seconds, by name; what has no known unit is left out.
  private static func figures(_ message: Substring) -> [Substring: Double] {
    var found: [Substring: Double] = [:]
    for word in message.words {
      let parts = word.split(separator: "=")
      guard parts.count == 2 else { continue }
      let number = parts[1].prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      guard let value = Double(number), value.isFinite, value < 1e15 else { continue }
      switch parts[1][number.endIndex...] {
      case "MiB", "MiB/s": found[parts[0]] = value * 1_048_576
      case "s": found[parts[0]] = value
      case "ms": found[parts[0]] = value / 1e3
      case "": found[parts[0]] = value
      default: continue
      }
    }
    return found
  }

  // MARK: - What it comes to

  /// Whether a migration came to its end.
  var isWhole: Bool { end != nil || time != nil || summary != nil }

  /// Transmissions, the first of everything and the one while the guest stands still among them.
  var rounds: Double? {
    if let rounds = summary?["iter"] { return rounds }
    guard end != nil, !passes.isEmpty else { return nil }
    // The first is not announced, and an announced pass that finds nothing dirty sends nothing.
    return Double(passes.count { $0.bytes > 0 }) + 2
  }

  /// Guest memory in bytes: what the first transmission sent; nil where it is not printed.
  var memory: Double? { passes.first.flatMap { $0.rate == nil ? nil : $0.bytes } }

  /// Bytes a second of the transmission that sent most; of them all where only their sum is printed.
  var rate: Double? {
    let rated = passes.filter { $0.rate != nil }
    if let most = rated.max(by: { $0.bytes < $1.bytes }) { return most.rate }
    if let mean = summary?["avg_bw"], mean > 0 { return mean }
    // A pass and what announces the next: a bound from below, for asking and protecting count as well.
    let rates = zip(passes, passes.dropFirst()).compactMap { pass, next -> (Double, Double)? in
      guard let began = pass.began, let ended = next.began, ended > began, pass.bytes > 0 else {
        return nil
      }
      return (pass.bytes, pass.bytes / (Double((ended - began).rawValue) / 1e9))
    }
    return rates.max { $0.0 < $1.0 }?.1
  }

  /// Pages of 4 KiB that the guest dirtied in a second of the last pass but one, each counted once.
  var dirtyPages: Double? {
    for (pass, next) in zip(passes, passes.dropFirst()).reversed() {
      let length =
        pass.length ?? pass.began.flatMap { began in next.began.map { $0 - began } } ?? .zero
      guard length > .zero else { continue }
      return next.bytes / 4_096 / (Double(length.rawValue) / 1e9)
    }
    return nil
  }
}

extension RecordingFile {
  /// The log of cloud-hypervisor on the side that sends.
  static func cloudHypervisor(_ text: RecordingText) throws(LogError) -> Recording? {
    guard CloudHypervisorLog.recognises(text) else { return nil }
    let log = try CloudHypervisorLog(text)
    guard !log.passes.isEmpty || log.isWhole else {
      throw text.error(
        "a log of cloud-hypervisor without a migration",
        legal: "the sender's log, with -v up to release 51 and -vv later"
      )
    }
    var recording = Recording(text.file, .migration)
    if let rate = log.rate {
      let reason =
        log.passes.contains { $0.rate != nil }
        ? "the transmission that sent most" : "at least: the pass that sent most, with its calls"
      recording.set("migration.link", bits(rate * 8), reason)
    } else {
      recording.unknown.append("migration.link: no transmission with a length")
    }
    if let memory = log.memory {
      recording.set("vm.memory", self.memory(memory), "the first transmission")
    } else {
      recording.unknown.append(
        "vm.memory: the first transmission is not printed; releases after 51 print it with -vv"
      )
    }
    if let pages = log.dirtyPages {
      recording.set(
        "migration.dirty_pages_per_second",
        "\(Int64(saturating: pages.rounded()))",
        "pages of 4 KiB that the last pass found, by the length of the one before"
      )
    } else {
      recording.unknown.append("migration.dirty_pages_per_second: fewer than two passes")
    }
    if let goal = log.goal {
      recording.set("migration.downtime_limit", "\(goal.rawValue / 1_000)us", "the goal")
    }
    if let rounds = log.rounds { recording.hold("rounds", rounds, isTime: false) }
    if let time = log.time { recording.hold("time", Double(time.rawValue)) }
    if let downtime = log.downtime { recording.hold("downtime", Double(downtime.rawValue)) }
    for part in log.breakdown { recording.show("downtime, \(part.name)", part.time.description) }
    if !log.isWhole {
      recording.unknown.append("rounds, time and downtime: the log ends before the migration")
    } else if log.time == nil, log.downtime != nil {
      recording.unknown.append(
        "downtime: from the last list of dirty ranges to the end; the pause before it is not printed"
      )
    }
    if log.passedOver > 0 { recording.ignored.append("\(log.passedOver) lines of other matters") }
    return recording
  }

  /// What Firecracker's log or its metrics say of snapshots.
  static func firecracker(_ text: RecordingText) throws(LogError) -> Recording? {
    let isLog = text.has(" VMM action took ") || text.has(" API request took ")
    guard isLog || text.has("\"latencies_us\"") else { return nil }
    var times: [String: [Double]] = [:]
    var order: [String] = []
    var passedOver = 0
    func keep(_ name: String, _ microseconds: Double) {
      if times[name] == nil { order.append(name) }
      times[name, default: []].append(microseconds * 1e3)
    }
    for (index, line) in text.lines.enumerated() where !line.isBlank {
      let found = isLog ? try action(line, index, text) : try latencies(line, index, text)
      if found.isEmpty { passedOver += 1 }
      for one in found { keep(one.name, one.microseconds) }
    }
    guard !order.isEmpty else {
      throw text.error("no action with a time", legal: "lines as 'create full snapshot' ... took")
    }
    var recording = Recording(text.file, .snapshot)
    for name in order {
      let sorted = times[name, default: []].sorted()
      recording.hold(name, sorted[sorted.count / 2])
      if sorted.count > 1 {
        let ends = [sorted[0], sorted[sorted.count - 1]].map {
          Nanoseconds(rawValue: Int64(saturating: $0)).description
        }
        recording.show("\(name), \(sorted.count) times", "\(ends[0]) to \(ends[1])")
      }
    }
    recording.unknown.append(
      "vm.memory and the file's rate: a snapshot's time is that of writing it, and its size is not printed"
    )
    recording.unknown.append(
      "a diff snapshot asks for the dirty log (GET protects again); its share of the time is not printed"
    )
    if passedOver > 0 { recording.ignored.append("\(passedOver) lines of other matters") }
    return recording
  }

  /// The action that a line of the log times, as `'create full snapshot' VMM action took 17143 us`.
  private static func action(
    _ line: Substring,
    _ index: Int,
    _ text: RecordingText
  ) throws(LogError) -> [(name: String, microseconds: Double)] {
    for (mark, side) in [(" VMM action took ", ""), (" API request took ", ", with its request")] {
      guard let place = line.range(of: mark) else { continue }
      let parts = line[..<place.lowerBound].split(
        separator: "'",
        omittingEmptySubsequences: false
      )
      let words = line[place.upperBound...].words
      guard parts.count >= 3, let name = parts.dropLast().last, !name.isEmpty, words.count >= 2,
        let time = UInt64(words[0]), words[1].hasPrefix("us")
      else {
        throw text.error(at: index, legal: "'an action' VMM action took a whole number of us")
      }
      return [("\(name)\(side)", Double(time))]
    }
    return []
  }

  /// A line of metrics: zero stands for what did not happen since the line before.
  private static func latencies(
    _ line: Substring,
    _ index: Int,
    _ text: RecordingText
  ) throws(LogError) -> [(name: String, microseconds: Double)] {
    guard
      let object = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
    else { throw text.error(at: index, legal: "one JSON object a line") }
    guard let all = object["latencies_us"] as? [String: Any] else { return [] }
    return all.keys.sorted().compactMap { key in
      guard let time = number(all, key), time > 0 else { return nil }
      let isInner = key.hasPrefix("vmm_")
      let name = (isInner ? String(key.dropFirst(4)) : key).split(separator: "_")
      let words = name.joined(separator: " ").replacingOccurrences(
        of: "full create snapshot",
        with: "create full snapshot"
      ).replacingOccurrences(of: "diff create snapshot", with: "create diff snapshot")
      return (words + (isInner ? "" : ", with its request"), time)
    }
  }
}
