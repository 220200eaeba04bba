// SPDX-License-Identifier: GPL-3.0-or-later

/// Where a value comes from, from the best evidence to none.
package enum Provenance: String, Hashable, Sendable, CaseIterable, Codable {
  /// Measured on the host itself, by calibration.
  case measured
  /// Stated in a publication, a manual or a kernel source.
  case published
  /// Derived from published measurements so that the model reproduces them.
  case fitted
  /// Chosen without evidence on this host; the reason says how.
  case assumed
  /// Given by the user for this one question.
  case given
}

/// A place in a file, or the command line.
package struct Origin: Hashable, Sendable, CustomStringConvertible {
  /// The file's path, or the name of the option.
  package let file: String
  /// The line, counted from one; zero for the file as a whole or the command line.
  package let line: Int

  /// Creates a place.
  package init(file: String, line: Int = 0) {
    self.file = file
    self.line = line
  }

  /// The path, with `:line` where there is one.
  package var description: String { line > 0 ? "\(file):\(line)" : file }
}

/// One value of a profile with its reason and its source.
package struct ProfileEntry: Hashable, Sendable {
  /// The key, such as `tlbi.ipa_flush`.
  package let key: String
  /// The value as written.
  package let value: String
  /// Why this value.
  package let why: String
  /// The source, such as `published: KZ20-01`.
  package let source: String
  /// The kind of source.
  package let provenance: Provenance
  /// Where it was written.
  package let origin: Origin

  /// Creates an entry from all its parts.
  package init(
    key: String,
    value: String,
    why: String,
    source: String,
    provenance: Provenance,
    origin: Origin
  ) {
    self.key = key
    self.value = value
    self.why = why
    self.source = source
    self.provenance = provenance
    self.origin = origin
  }
}
