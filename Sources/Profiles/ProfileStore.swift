// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation

/// Directories of models in the order in which they are searched; the first hit wins.
package struct ProfileStore: Sendable {
  /// The `models` directories, most specific first.
  package let directories: [URL]
  /// Makes the text of a profile of which there is no file; nil where it makes none of that name.
  private var made: @Sendable (ProfileKind, String) throws(ProfileError) -> String? = {
    (_, _) throws(ProfileError) in nil
  }

  /// How many parents a profile may have in a row.
  static let parentLimit = 8

  /// Creates a store over directories, most specific first.
  package init(directories: [URL]) { self.directories = directories }

  /// The same store, which makes profiles of which there is no file.
  package func making(
    _ made: @escaping @Sendable (ProfileKind, String) throws(ProfileError) -> String?
  ) -> Self {
    var store = self
    store.made = made
    return store
  }

  /// Whether a profile can have a name: one that stays in the directory of its kind.
  package static func isLegal(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".")
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
  }

  /// The path of a file of a kind, such as `hosts/graviton3.yaml`, or nil where there is none.
  package func path(_ relative: String) -> URL? {
    directories.map { $0.appendingPathComponent(relative) }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }

  /// Whether there is anything in the directories that a command could use: a profile, answers, a cost
  /// model, facts.
  package var holdsModels: Bool {
    ProfileKind.allCases.contains { !names(of: $0).isEmpty }
      || ["answers", "cost", "facts", "validation.json"].contains { path($0) != nil }
  }

  /// The names of all profiles of a kind, sorted.
  package func names(of kind: ProfileKind) -> [String] {
    var names: Set<String> = []
    for directory in directories {
      let folder = directory.appendingPathComponent(kind.directory).path
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      names.formUnion(files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) })
    }
    return names.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
  }

  /// Loads a profile with its parents' values under its own, and checks the whole.
  package func load<Content: Profile>(
    _ type: Content.Type,
    named name: String
  ) throws(ProfileError) -> Loaded<Content> {
    let derived =
      path("\(Content.kind.directory)/\(name).yaml") == nil ? Content.derived(name) : nil
    if let derived, path("\(Content.kind.directory)/\(derived.from).yaml") == nil {
      throw .unknownSeries(
        kind: Content.kind,
        name: name,
        series: derived.from,
        near: neighbours(of: derived.from, Content.kind),
        searched: directories.map(\.path)
      )
    }
    let documents = try chain(Content.kind, from: derived?.from ?? name)
    var profile = Content(blank: name)
    var entries: [ProfileEntry] = []
    for document in documents.reversed() {
      for value in document.values {
        try profile.set(value.key, to: value.value, at: value.origin)
        entries.removeAll { $0.key == value.key }
        entries.append(ProfileEntry(value))
      }
    }
    let origin = documents[0].origin
    for (key, text) in derived?.values ?? [] {
      try profile.set(key, to: text, at: origin)
      entries.removeAll { $0.key == key }
      entries.append(
        ProfileEntry(
          key: key,
          value: text,
          why: "the update that was asked for; everything else is its series'",
          source: "the name",
          provenance: .given,
          origin: origin
        )
      )
    }
    try requireAll(Content.self, entries, documents)
    try profile.check()
    return Loaded(
      profile: profile,
      summary: documents[0].summary,
      files: documents.map(\.origin.file),
      entries: entries
    )
  }

  /// The names of a kind right before and after one that does not exist.
  private func neighbours(of name: String, _ kind: ProfileKind) -> [String] {
    let sorted = (names(of: kind) + [name]).sorted {
      $0.compare($1, options: .numeric) == .orderedAscending
    }
    guard let place = sorted.firstIndex(of: name) else { return [] }
    return [place - 1, place + 1].filter(sorted.indices.contains).map { sorted[$0] }
  }

  /// Refuses a host that leaves a value out: what nobody wrote would cost nothing.
  private func requireAll<Content: Profile>(
    _ type: Content.Type,
    _ entries: [ProfileEntry],
    _ documents: [ProfileDocument]
  ) throws(ProfileError) {
    let written = Set(entries.map(\.key))
    let missing = type.keys.filter { !$0.isSilentUnset && !written.contains($0.name) }.map(\.name)
    guard type.kind == .host, let first = missing.first else { return }
    let count = missing.count == 1 ? first : "\(missing.count) values, \(first) the first,"
    throw .malformed(
      origin: documents[documents.count - 1].origin,
      problem: "\(count) \(missing.count == 1 ? "is" : "are") missing; write all values of a host, "
        + "or a parent that has them, such as parent: generic-armv8.0"
    )
  }

  /// The documents of a profile and its parents, nearest first; at least one.
  private func chain(
    _ kind: ProfileKind,
    from name: String
  ) throws(ProfileError) -> [ProfileDocument] {
    var names = [name]
    var documents = [try document(kind, name)]
    while let parent = documents[documents.count - 1].parent {
      let origin = documents[documents.count - 1].parentOrigin
      guard !names.contains(parent), names.count < Self.parentLimit else {
        throw .parentLoop(origin: origin, chain: names + [parent])
      }
      let known = self.names(of: kind)
      guard known.contains(parent) else {
        let legal = "one of " + known.filter { !names.contains($0) }.joined(separator: ", ")
        throw .illegalValue(origin: origin, key: "parent", value: parent, legal: legal)
      }
      names.append(parent)
      documents.append(try document(kind, parent))
    }
    return documents
  }

  private func document(
    _ kind: ProfileKind,
    _ name: String
  ) throws(ProfileError) -> ProfileDocument {
    guard Self.isLegal(name) else {
      throw .illegalName(kind: kind, name: name)
    }
    guard let file = path("\(kind.directory)/\(name).yaml") else {
      if let text = try made(kind, name) {
        return try ProfileDocument(text: text, file: "\(kind.rawValue) \(name)", kind: kind)
      }
      throw .unknown(
        kind: kind,
        name: name,
        known: names(of: kind),
        searched: directories.map(\.path)
      )
    }
    return try ProfileDocument(text: try contents(of: file), file: file.path, kind: kind)
  }

  private func contents(of file: URL) throws(ProfileError) -> String {
    let limit = YAMLReader.byteLimit
    let data: Data
    // A pipe is not opened: one that nobody writes to would keep the program waiting.
    let path = file.resolvingSymlinksInPath().path
    let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    do {
      guard type == .typeRegular else { throw CocoaError(.fileReadUnknown) }
      data = try FileHandle(forReadingFrom: file).read(upToCount: limit + 1) ?? Data()
    } catch {
      throw .unreadable(file: file.path, reason: "it is no file, or not permitted")
    }
    guard data.count <= limit else {
      throw .tooLarge(file: file.path, bytes: data.count, limit: limit)
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .malformed(origin: Origin(file: file.path), problem: "the file is not UTF-8 text")
    }
    return text
  }
}

extension ProfileEntry {
  init(_ value: ProfileDocument.Value) {
    self.init(
      key: value.key,
      value: value.value,
      why: value.why,
      source: value.source,
      provenance: value.provenance,
      origin: value.origin
    )
  }
}
