// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Quantities

/// What sets costs rather than values: `calibrate` reads the same files.
extension RecordingFile {
  /// A record of `Probe/stage2probe`.
  static func probe(_ text: RecordingText) throws(LogError) -> Recording? {
    guard ProbeRecording.recognises(text.text) else { return nil }
    let record = try ProbeRecording(parsing: text.text, file: text.file)
    var recording = Recording(text.file, .probe)
    recording.set("vm.ipa_bits", "\(record.ipaBits)", "the probe's VM")
    recording.show("kernel", record.kernel)
    recording.show("page", ByteCount.bytes(record.page).description)
    for timing in record.timings { recording.show(timing.name, timing.median.description) }
    for flow in record.flows {
      recording.show("longest gap of a flow beside \(flow.phase)", flow.longestGap.description)
    }
    recording.ignored = record.skipped
    if let shortfall = record.shortfall { recording.ignored.append(shortfall) }
    recording.unknown.append("costs of the host: s2tune calibrate fits them to these times")
    return recording
  }

  /// A table of somebody's own measurements.
  static func measurements(_ text: RecordingText) throws(LogError) -> Recording? {
    guard let first = text.head.first(where: { !$0.hasPrefix("#") }),
      MeasurementTable.recognises(first)
    else { return nil }
    let table = try MeasurementTable(parsing: text.text, file: text.file, host: "", kernel: "")
    var recording = Recording(text.file, .measurements)
    for row in table.rows {
      let value =
        row.measure.unit == .nanoseconds
        ? Nanoseconds(rawValue: Int64(saturating: row.value)).description : significant(row.value)
      recording.show("\(row.id): \(row.measure.rawValue)", value)
    }
    recording.unknown.append("costs of the host: s2tune calibrate fits them to these values")
    return recording
  }
}
