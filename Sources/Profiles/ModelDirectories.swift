// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

extension ProfileStore {
  /// The store of a command: what the user names, then the environment, then the directory one stands
  /// in where it has profiles, then beside the installed program, then the package that the program was
  /// built in or that one stands in.
  package static func standard(named: String?, arguments: [String] = CommandLine.arguments) -> Self
  {
    var directories: [URL] = []
    if let named { directories.append(URL(fileURLWithPath: named)) }
    if let variable = ProcessInfo.processInfo.environment["S2TUNE_MODELS"], !variable.isEmpty {
      directories.append(URL(fileURLWithPath: variable))
    }
    let current = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    if ProfileKind.allCases.contains(where: { kind in
      FileManager.default.fileExists(atPath: current.appendingPathComponent(kind.directory).path)
    }) {
      directories.append(current)
    }
    let program = executable(arguments)
    let folder = program.deletingLastPathComponent()
    directories.append(folder.appendingPathComponent("models"))
    directories.append(
      folder.deletingLastPathComponent().appendingPathComponent("share/s2tune/models")
    )
    directories += package(above: folder)
    directories += package(above: current)
    return Self(directories: existing(directories))
  }

  /// The path of the running program, with links resolved.
  private static func executable(_ arguments: [String]) -> URL {
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

  /// The directories that exist, each once, in order.
  private static func existing(_ directories: [URL]) -> [URL] {
    var seen: [String] = []
    return directories.filter { directory in
      let path = directory.standardizedFileURL.path
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
        isDirectory.boolValue, !seen.contains(path)
      else { return false }
      seen.append(path)
      return true
    }
  }
}
