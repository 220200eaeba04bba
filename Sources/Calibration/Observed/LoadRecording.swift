// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Quantities

/// What traffic, storage and devices show.
extension RecordingFile {
  // MARK: - ethtool

  /// `ethtool -g`, `-c`, `-l` or `-S`.
  static func ethtool(_ text: RecordingText) throws(LogError) -> Recording? {
    guard let first = text.head.first?.trimmed else { return nil }
    let heads = ["Ring parameters for", "Coalesce parameters for", "Channel parameters for"]
    guard heads.contains(where: { first.hasPrefix($0) }) || first == "NIC statistics:" else {
      return nil
    }
    var recording = Recording(text.file, .ethtool)
    var isCurrent = !text.has("Current hardware settings:")
    for line in text.lines {
      if line.hasPrefix("Current hardware settings:") { isCurrent = true }
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, isCurrent else { continue }
      let (name, value) = (parts[0].trimmed, parts[1].trimmed)
      guard let count = Int64(value), count >= 0 else { continue }
      switch name {
      case "RX" where first.hasPrefix("Ring"):
        recording.set("nic.ring", "\(count)", "RX of the current settings")
      case "Combined" where count > 0:
        recording.set("nic.queues", "\(count)", "Combined of the current settings")
      case "RX" where first.hasPrefix("Channel") && count > 0:
        recording.set("nic.queues", "\(count)", "RX of the current settings")
      case "rx-usecs": recording.set("nic.moderation", "\(count)us", "rx-usecs")
      case _ where first == "NIC statistics:" && isLoss(name) && count > 0:
        recording.show("\(name)", "\(count)")
      default: continue
      }
    }
    if text.has("Adaptive RX: on") {
      recording.unknown.append("nic.moderation: it adapts, so rx-usecs is what it is now")
    }
    guard !recording.settings.isEmpty || first == "NIC statistics:" else {
      throw text.error("no value that a profile has", legal: "RX, Combined or rx-usecs")
    }
    return recording
  }

  private static func isLoss(_ name: Substring) -> Bool {
    ["missed", "no_buffer", "out_of_buffer", "discards", "dropped", "no_dma"]
      .contains { name.contains($0) && name.contains("rx") }
  }

  // MARK: - JSON

  /// iperf3 -J, fio --output-format=json and QEMU's query-migrate.
  static func json(_ text: RecordingText) throws(LogError) -> Recording? {
    guard text.head.first?.trimmed.hasPrefix("{") == true else { return nil }
    guard
      let object = (try? JSONSerialization.jsonObject(with: Data(text.text.utf8)))
        .flatMap({ $0 as? [String: Any] })
    else {
      throw text.error("JSON that does not end, or is none", legal: "a whole JSON document")
    }
    let body = object["return"] as? [String: Any] ?? object
    if body["intervals"] != nil, let start = body["start"] as? [String: Any] {
      return try iperf(body, start, text)
    }
    if body["jobs"] != nil, body["fio version"] != nil { return try fio(body, text) }
    if body["ram"] != nil || body["status"] as? String != nil, body["total-time"] != nil {
      return try queryMigrate(body, text)
    }
    return nil
  }

  /// A number of a JSON object that is finite and not negative.
  static func number(_ object: Any?, _ key: String) -> Double? {
    guard let value = (object as? [String: Any])?[key] as? NSNumber else { return nil }
    let number = value.doubleValue
    return number.isFinite && number >= 0 ? number : nil
  }

  private static func iperf(
    _ body: [String: Any],
    _ start: [String: Any],
    _ text: RecordingText
  ) throws(LogError) -> Recording {
    var recording = Recording(text.file, .iperf)
    if let error = body["error"] as? String {
      throw text.error("a run that failed: \(error)", legal: "a run to its end")
    }
    let test = start["test_start"] as? [String: Any] ?? [:]
    let isDatagram = test["protocol"] as? String == "UDP"
    let end = body["end"] as? [String: Any] ?? [:]
    let sum = end["sum_received"] ?? end["sum"]
    guard let rate = number(sum, "bits_per_second"), rate > 0 else {
      throw text.error("no sum of what was received", legal: "iperf3 -J of a run to its end")
    }
    let size = number(test, "blksize")
    if isDatagram {
      let bytes = max(1, size ?? 1)
      recording.set("net.datagrams", "\(Int64(saturating: rate / 8 / bytes))", "datagrams a second")
      recording.set("net.datagram", "\(Int64(saturating: bytes))B", "test_start.blksize")
    } else {
      recording.set(
        "net.flows",
        "\(Int64(saturating: number(test, "num_streams") ?? 1))",
        "test_start.num_streams"
      )
      recording.set("net.offered", bits(rate), "the mean of what was received")
      let isReverse = number(test, "reverse") == 1
      recording.set(
        "net.direction",
        isReverse ? "receive" : "send",
        isReverse
          ? "reverse: this side received" : "this side sent; a server's own log says receive"
      )
    }
    var (least, most, silent) = (Double.infinity, 0.0, 0.0)
    for interval in body["intervals"] as? [[String: Any]] ?? [] {
      guard let rate = number(interval["sum"], "bits_per_second") else { continue }
      least = min(least, rate)
      most = max(most, rate)
      if rate == 0 { silent += number(interval["sum"], "seconds") ?? 0 }
    }
    recording.show("mean", bits(rate))
    if most > 0 { recording.show("intervals", "\(bits(least)) to \(bits(most))") }
    if silent > 0 { recording.show("silent", "\(significant(silent, digits: 3))s") }
    if let lost = number(sum, "lost_percent") {
      recording.show("lost", "\(significant(lost, digits: 3)) %")
    }
    recording.unknown.append("net.reader: iperf3 does not say which CPU it ran on; -A sets it")
    return recording
  }

  private static func fio(
    _ body: [String: Any],
    _ text: RecordingText
  ) throws(LogError) -> Recording {
    guard let job = (body["jobs"] as? [[String: Any]])?.first else {
      throw text.error("no job", legal: "fio --output-format=json of a run to its end")
    }
    if let failed = number(job, "error"), failed != 0 {
      throw text.error(
        "a job that failed with \(Int64(saturating: failed))",
        legal: "a run to its end"
      )
    }
    var recording = Recording(text.file, .fio)
    let options = (job["job options"] as? [String: Any] ?? [:])
      .merging(body["global options"] as? [String: Any] ?? [:]) { own, _ in own }
    if let depth = (options["iodepth"] as? String).flatMap({ Int($0) }), depth > 0 {
      recording.set("storage.queue_depth", "\(depth)", "iodepth")
    } else {
      recording.unknown.append("storage.queue_depth: the job names no iodepth")
    }
    for side in ["read", "write"] {
      guard let rate = number(job[side], "iops"), rate > 0 else { continue }
      recording.show("\(side) requests", "\(significant(rate)) a second")
      let tail = (job[side] as? [String: Any])?["clat_ns"] as? [String: Any]
      if let p99 = number(tail?["percentile"], "99.000000") {
        recording.show("\(side) p99", Nanoseconds(rawValue: Int64(saturating: p99)).description)
      }
    }
    guard !recording.figures.isEmpty else {
      throw text.error("no request", legal: "a job that read or wrote")
    }
    recording.unknown.append(
      "storage.task: fio does not say which CPU it ran on; cpus_allowed sets it"
    )
    return recording
  }

  /// A rate as `--set` takes it.
  static func bits(_ rate: Double) -> String {
    if rate >= 1e9 { return "\(significant(rate / 1e9, digits: 6))Gbit/s" }
    if rate >= 1e6 { return "\(significant(rate / 1e6, digits: 6))Mbit/s" }
    return "\(Int64(saturating: rate))bit/s"
  }

  // MARK: - iperf3's text

  static func iperfText(_ text: RecordingText) throws(LogError) -> Recording? {
    guard text.has("[ ID] Interval"), text.has("bits/sec") else { return nil }
    var recording = Recording(text.file, .iperf)
    if let line = text.lines.first(where: { $0.contains("iperf3: error") }) {
      throw text.error("a run that failed: \(line.trimmed)", legal: "a run to its end")
    }
    var rates: [Double] = []
    var sum: Double?
    for line in text.lines {
      let words = line.words
      guard let unit = words.firstIndex(where: { $0.hasSuffix("bits/sec") }), unit > 0,
        let value = Double(words[unit - 1]), value.isFinite, value >= 0
      else { continue }
      let scale: Double =
        switch words[unit].first {
        case "G": 1e9
        case "M": 1e6
        case "K": 1e3
        default: 1
        }
      if words.last == "receiver" { sum = value * scale } else { rates.append(value * scale) }
    }
    guard let sum else {
      throw text.error("no line of the receiver", legal: "iperf3 to its end")
    }
    let isReverse = text.has("Reverse mode")
    if text.has("Total Datagrams") {
      recording.unknown.append("net.datagrams: the text does not name their size; -J does")
    } else {
      let flows = text.lines.count { $0.contains("connected to") }
      recording.set("net.flows", "\(max(1, flows))", "connections")
      recording.set("net.offered", bits(sum), "the receiver's mean")
      recording.set(
        "net.direction",
        isReverse ? "receive" : "send",
        isReverse ? "Reverse mode" : "this side sent"
      )
    }
    recording.show("mean", bits(sum))
    if let least = rates.min(), let most = rates.max() {
      recording.show("intervals", "\(bits(least)) to \(bits(most))")
    }
    return recording
  }
}
