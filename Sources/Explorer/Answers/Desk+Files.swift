// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import PageTables
import Quantities

/// What a dropped file is and sets.
struct ReadDocument: Encodable, Sendable {
  /// What names the file from now on, as long as it is kept.
  let digest: String
  /// The file as `observe` reads it.
  let recording: Recording
  /// What kind of file it is, in words.
  let title: String
  /// Whether it is a stage-2 dump, whose mix of leaves a question can take over.
  let isDump: Bool
  /// What it sets, as `key=value`.
  let settings: [String]

  enum CodingKeys: String, CodingKey {
    case digest, recording, title
    case isDump = "is_dump"
    case settings
  }

  /// Reads a body; what is recognised is kept in memory.
  init(_ fields: JSONFields, _ desk: Desk) throws {
    let file = try SentFile(fields, desk.kept)
    recording = try RecordingFile.read(file.text, named: file.name)
    title = recording.kind.title
    isDump = recording.kind == .dump
    settings = recording.settings.map { "\($0.key)=\($0.value)" }
    digest = desk.kept.keep(file)
  }
}
