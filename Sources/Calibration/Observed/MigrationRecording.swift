// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// What programs say of a live migration.
extension RecordingFile {
  /// Progress of a migration in common terms.
  private struct Progress {
    var link: Double?
    var dirtyPages: Double?
    var page: Double?
    var total: Double?
    var remaining: Double?
    var rounds: Double?
    var milliseconds: Double?
    var downtime: Double?
    var expected: Double?
    var status: String?
  }

  /// QEMU's `query-migrate`.
  static func queryMigrate(
    _ body: [String: Any],
    _ text: RecordingText
  ) throws(LogError) -> Recording {
    var progress = Progress()
    let ram = body["ram"]
    progress.status = body["status"] as? String
    progress.link = number(ram, "mbps").map { $0 * 1e6 }
    progress.dirtyPages = number(ram, "dirty-pages-rate")
    progress.page = number(ram, "page-size")
    progress.total = number(ram, "total")
    progress.remaining = number(ram, "remaining")
    progress.rounds = number(ram, "dirty-sync-count")
    progress.milliseconds = number(body, "total-time")
    progress.downtime = number(body, "downtime")
    progress.expected = number(body, "expected-downtime")
    return try recording(progress, text)
  }

  /// `info migrate` of QEMU's monitor, and `virsh domjobinfo`.
  static func migrationText(_ text: RecordingText) throws(LogError) -> Recording? {
    let isMonitor = text.has("Migration status:") || text.has("total ram:")
    let isJob = text.has("Job type:") && text.has("Memory")
    guard isMonitor || isJob else { return nil }
    var progress = Progress()
    for (index, line) in text.lines.enumerated() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let words = parts[1].words
      let name = parts[0].trimmed
      if name == "Migration status" || name == "Operation" {
        progress.status = words.first.map(String.init)
      }
      guard let first = words.first, let number = Double(first) else { continue }
      guard number.isFinite, number >= 0 else {
        throw text.error(at: index, legal: "no negative number")
      }
      let unit = words.dropFirst().first.map(String.init) ?? ""
      switch name {
      case "throughput": progress.link = number * 1e6
      case "Memory bandwidth": progress.link = bytes(number, unit) * 8
      case "dirty pages rate", "Dirty rate": progress.dirtyPages = number
      case "page size", "Page size": progress.page = bytes(number, unit)
      case "total ram", "Memory total": progress.total = bytes(number, unit)
      case "remaining ram", "Memory remaining": progress.remaining = bytes(number, unit)
      case "dirty sync count", "Iteration": progress.rounds = number
      case "total time", "Time elapsed": progress.milliseconds = number
      case "downtime", "Total downtime": progress.downtime = number
      case "expected downtime", "Expected downtime": progress.expected = number
      default: continue
      }
    }
    return try recording(progress, text)
  }

  private static func bytes(_ number: Double, _ unit: String) -> Double {
    switch unit.lowercased() {
    case "kbytes", "kib", "kib/s": number * 1024
    case "mbytes", "mib", "mib/s": number * 1_048_576
    case "gib", "gib/s": number * 1_073_741_824
    case "tib", "tib/s": number * 1_099_511_627_776
    default: number
    }
  }

  private static func recording(
    _ progress: Progress,
    _ text: RecordingText
  ) throws(LogError) -> Recording {
    if let status = progress.status, ["failed", "cancelled", "cancelling"].contains(status) {
      throw text.error("a migration that \(status)", legal: "one that is active or completed")
    }
    guard progress.total != nil || progress.link != nil else {
      throw text.error("neither memory nor throughput", legal: "a migration that has begun")
    }
    var recording = Recording(text.file, .migration)
    if let link = progress.link, link > 0 {
      recording.set("migration.link", bits(link), "throughput now")
    } else {
      recording.unknown.append("migration.link: the file has no throughput")
    }
    if let total = progress.total, total > 0 {
      recording.set("vm.memory", memory(total), "total, without video memory and ROMs")
    }
    if let rate = progress.dirtyPages {
      let rounded = Int64(saturating: rate.rounded())
      recording.set("migration.dirty_pages_per_second", "\(rounded)", "dirty pages rate")
    } else {
      recording.unknown.append("migration.dirty_pages_per_second: known from the second round on")
    }
    if let page = progress.page, page > 0 {
      recording.show("page", ByteCount(rawValue: Int64(saturating: page)).description)
      recording.unknown.append(
        "host.granule: the page is that of the guest's program, not the host's"
      )
    }
    if let rounds = progress.rounds { recording.hold("rounds", rounds, isTime: false) }
    if let left = progress.remaining {
      let whole = (Int64(saturating: left) >> 20) << 20
      recording.show("remaining", ByteCount(rawValue: whole).description)
    }
    let times = [
      ("time", progress.milliseconds), ("downtime", progress.downtime),
      ("expected downtime", progress.expected),
    ]
    for (name, time) in times {
      guard let time else { continue }
      recording.hold(name, time * 1e6)
    }
    recording.unknown.append(
      "migration.working_set: what is dirtied again and again is not counted apart"
    )
    recording.unknown.append("clear: the range of CLEAR is no part of the statistics")
    return recording
  }

  /// The guest's memory as somebody would have asked for it: total counts some megabytes of video
  /// memory and ROMs beside it.
  static func memory(_ total: Double) -> String {
    let gibibytes = total / 1_073_741_824
    let whole = gibibytes.rounded(.down)
    if whole >= 1, (gibibytes - whole) * 1_073_741_824 < 64 * 1_048_576 {
      return "\(Int64(saturating: whole))GiB"
    }
    return "\(Int64(saturating: (total / 1_048_576).rounded(.down)))MiB"
  }
}
