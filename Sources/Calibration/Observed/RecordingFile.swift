// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Foundation

/// Recognises files by their content.
package enum RecordingFile {
  /// The largest file that is read, in bytes.
  package static let limit = 64 << 20

  /// Reads a file of a known kind; others are refused with what they look like.
  package static func read(_ path: String) throws(LogError) -> Recording {
    let text: String
    do throws(FileError) { text = try TextFile.read(path, limit: limit) } catch {
      throw LogError(error)
    }
    return try read(text, named: path)
  }

  /// Reads a text of a known kind.
  package static func read(_ text: String, named file: String) throws(LogError) -> Recording {
    let recording = RecordingText(text, file: file)
    guard !recording.head.isEmpty else { throw recording.error("nothing", legal: known) }
    if let found = try machine(recording) { return found }
    if let found = try counters(recording) { return found }
    if let found = try load(recording) { return found }
    throw recording.error(looks(recording), legal: known)
  }

  /// What the kernel and the lab wrote; nil where the text is of another kind.
  private static func machine(_ text: RecordingText) throws(LogError) -> Recording? {
    if let found = try probe(text) { return found }
    if let found = try measurements(text) { return found }
    if let found = try selftest(text) { return found }
    if let found = try dump(text) { return found }
    if let found = try ipaRange(text) { return found }
    if let found = try ftrace(text) { return found }
    if let found = try receiver(text) { return found }
    if let found = try operations(text) { return found }
    if let found = try kernelCounts(text) { return found }
    return nil
  }

  /// What /proc shows; nil where the text is of another kind.
  private static func counters(_ text: RecordingText) throws(LogError) -> Recording? {
    if let found = try softnet(text) { return found }
    if let found = try interrupts(text) { return found }
    if let found = try softirqs(text) { return found }
    if let found = try netDev(text) { return found }
    if let found = try snmp(text) { return found }
    if let found = try taskStat(text) { return found }
    if let found = try commandLine(text) { return found }
    return nil
  }

  /// What traffic, storage, devices and VMMs wrote; nil where the text is of another kind.
  private static func load(_ text: RecordingText) throws(LogError) -> Recording? {
    if let found = try cloudHypervisor(text) { return found }
    if let found = try firecracker(text) { return found }
    if let found = try json(text) { return found }
    if let found = try ethtool(text) { return found }
    if let found = try iperfText(text) { return found }
    if let found = try migrationText(text) { return found }
    return nil
  }

  /// Files of one kind that belong together as one: two snapshots of a counter are what came between.
  package static func gather(_ files: [Recording]) -> [Recording] {
    var gathered: [Recording] = []
    for one in files {
      guard one.kind == .softnet,
        let place = gathered.firstIndex(where: { $0.kind == .softnet }),
        let between = softnetBetween(gathered[place], one)
      else {
        gathered.append(one)
        continue
      }
      gathered[place] = between
    }
    return gathered
  }

  private static let known =
    "a KVM selftest's output, a stage-2 dump, an ftrace log, softnet_stat, interrupts, softirqs, net/dev or snmp "
    + "of /proc, output of ethtool -g, -c, -l or -S, iperf3, fio, query-migrate, info migrate or domjobinfo, cloud-hypervisor's log of a migration, "
    + "Firecracker's log or metrics of snapshots, a record of stage2probe, a table of measurements"

  /// What an unfamiliar text looks like.
  private static func looks(_ recording: RecordingText) -> String {
    let first = recording.head[0].trimmed
    if first.hasPrefix("{") || first.hasPrefix("[") {
      let keys = (try? JSONSerialization.jsonObject(with: Data(recording.text.utf8)))
        .flatMap { $0 as? [String: Any] }?.keys.sorted().prefix(4)
      guard let keys else { return "JSON that does not end, or is none" }
      return "JSON with \(keys.isEmpty ? "no key" : keys.joined(separator: ", "))"
    }
    if first.hasPrefix("<") { return "XML or HTML" }
    if first.hasPrefix("profile:") || first.hasPrefix("# SPDX") {
      return "a profile or a source file"
    }
    let columns = first.split(separator: ",")
    if columns.count > 2 { return "CSV with \(columns.prefix(4).joined(separator: ", "))" }
    return "text that begins '\(first.prefix(40))'"
  }
}
