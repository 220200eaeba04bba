// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// What the lab's own programs write.
extension RecordingFile {
  /// One line of the receiver, or its table by tenths of a second.
  static func receiver(_ text: RecordingText) throws(LogError) -> Recording? {
    guard let first = text.head.first,
      first.hasPrefix("rcv ") || first.hasPrefix("rcvm ") || first.hasPrefix("# proto=")
    else { return nil }
    var recording = Recording(text.file, .receiver)
    for word in first.words {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { continue }
      switch parts[0] {
      case "avg_mbit": recording.show("mean", "\(parts[1]) Mbit/s")
      case "maxgap_ms": recording.show("longest gap between reads", "\(parts[1]) ms")
      case "maxgap_ns": recording.show("longest gap between reads", "\(parts[1]) ns")
      case "packets": recording.show("packets", "\(parts[1])")
      case "lost": recording.show("lost", "\(parts[1])")
      default: continue
      }
    }
    guard !recording.figures.isEmpty else {
      throw text.error(at: 0, legal: "bytes=, maxgap_ms= and avg_mbit=")
    }
    return recording
  }

  /// Times of operations: `OP,name,t0_mono_ns,t1_mono_ns,dur_ns`.
  static func operations(_ text: RecordingText) throws(LogError) -> Recording? {
    guard text.head.first == "OP,name,t0_mono_ns,t1_mono_ns,dur_ns" else { return nil }
    var recording = Recording(text.file, .operations)
    var notes = 0
    for (index, line) in text.lines.enumerated().dropFirst() where !line.isEmpty {
      let parts = line.split(separator: ",", omittingEmptySubsequences: false)
      guard parts[0] == "OP" else {
        notes += 1
        continue
      }
      guard parts.count == 5, let from = Int64(parts[2]), let to = Int64(parts[3]),
        let time = Int64(parts[4]), time >= 0, to >= from
      else {
        throw text.error(at: index, legal: "OP, a name, two times that ascend and their difference")
      }
      recording.show("\(parts[1])", Nanoseconds(rawValue: time).description)
    }
    if recording.figures.isEmpty { recording.unknown.append("no operation was timed") }
    if notes > 0 { recording.ignored.append("\(notes) notes between the operations") }
    return recording
  }

  /// A table of event counts, which `validate --counts` takes.
  static func kernelCounts(_ text: RecordingText) throws(LogError) -> Recording? {
    guard text.head.first?.hasPrefix("kernel,cpu,") == true else { return nil }
    var recording = Recording(text.file, .kernelCounts)
    recording.show("rows", "\(text.lines.count { !$0.isEmpty } - 1)")
    recording.unknown.append(
      "what it comes to: s2tune validate --counts holds each row against the simulator"
    )
    return recording
  }
}
