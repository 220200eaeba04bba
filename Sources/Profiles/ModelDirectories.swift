// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation

/// A directory in which models are looked for, and what makes it one.
package struct ModelPlace: Hashable, Sendable {
  /// What makes a directory one of those that are searched.
  package enum Reason: String, Sendable, Codable, CaseIterable {
    case option = "--models"
    case environment = "S2TUNE_MODELS"
    case workingDirectory = "working directory"
    case program = "beside the program"
    case installed = "installed with the program"
    case package = "package"
  }

  /// The directory, whether or not it exists.
  package let directory: URL
  /// What makes it one.
  package let reason: Reason

  /// Whether there is such a directory.
  package var exists: Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: directory.path, isDirectory: &isDirectory)
      && isDirectory.boolValue
  }
}

extension ProfileStore {
  /// The store of a command: those of its places that exist.
  package static func standard(named: String?, arguments: [String] = CommandLine.arguments) -> Self
  {
    Self(
      directories: places(named: named, arguments: arguments).filter(\.exists).map(\.directory)
    )
  }

  /// Where a command looks, each directory once: what the user names, then the environment, then the
  /// directory one stands in where it has profiles, then beside the installed program, then the package
  /// that the program was built in or that one stands in.
  package static func places(
    named: String?,
    arguments: [String] = CommandLine.arguments
  ) -> [ModelPlace] {
    var places: [ModelPlace] = []
    func add(_ directory: URL, _ reason: ModelPlace.Reason) {
      let path = directory.standardizedFileURL.path
      guard !places.contains(where: { $0.directory.standardizedFileURL.path == path }) else {
        return
      }
      places.append(ModelPlace(directory: directory, reason: reason))
    }
    if let named { add(URL(fileURLWithPath: named), .option) }
    if let variable = ProcessInfo.processInfo.environment["S2TUNE_MODELS"], !variable.isEmpty {
      add(URL(fileURLWithPath: variable), .environment)
    }
    let current = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    if holdsProfiles(current) { add(current, .workingDirectory) }
    let folder = executable(arguments).deletingLastPathComponent()
    add(folder.appendingPathComponent("models"), .program)
    add(
      folder.deletingLastPathComponent().appendingPathComponent("share/s2tune/models"),
      .installed
    )
    for directory in package(above: folder) + package(above: current) { add(directory, .package) }
    return places
  }

  /// Whether a directory has profiles of any kind.
  private static func holdsProfiles(_ directory: URL) -> Bool {
    ProfileKind.allCases.contains { kind in
      FileManager.default.fileExists(atPath: directory.appendingPathComponent(kind.directory).path)
    }
  }

  /// The path of the running program, with links resolved.
  package static func executable(_ arguments: [String] = CommandLine.arguments) -> URL {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    if own.path != "/proc/self/exe" { return own }
    return URL(fileURLWithPath: arguments.first ?? "s2tune").resolvingSymlinksInPath()
  }

  /// The `models` directory of the nearest package at or above a folder.
  private static func package(above folder: URL) -> [URL] {
    var folder = folder.standardizedFileURL
    while folder.path != "/" {
      let manifest = folder.appendingPathComponent("Package.swift").path
      let models = folder.appendingPathComponent("models")
      if FileManager.default.fileExists(atPath: manifest),
        FileManager.default.fileExists(atPath: models.appendingPathComponent("hosts").path)
      {
        return [models]
      }
      folder = folder.deletingLastPathComponent()
    }
    return []
  }
}
