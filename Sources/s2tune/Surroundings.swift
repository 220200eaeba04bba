// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Reports

/// What stands around the program: the terminal, completion and the manual.
enum Surroundings {
  /// The findings, none of which keeps the program from answering.
  static func findings() -> [Installation.Finding] { [terminal(), completion(), manual()] }

  private static func terminal() -> Installation.Finding {
    guard isatty(STDOUT_FILENO) == 1 else {
      let text = "standard output is no terminal; answers are the same there, without colour"
      return Installation.Finding("terminal", .good, text)
    }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return Installation.Finding("terminal", .good, "a terminal that does not say its width")
    }
    let text = "a terminal of \(size.ws_col) columns; answers have no colour"
    guard size.ws_col < Paragraph.width else {
      return Installation.Finding("terminal", .good, text)
    }
    return Installation.Finding(
      "terminal",
      .remark,
      "\(text), and are up to \(Paragraph.width) wide, tables of what-if wider",
      remedy: "widen it, or look with less -S"
    )
  }

  /// The files in which shells look for the completion of a command, by shell.
  private static let completions: [(shell: String, files: [String])] = [
    (
      "bash",
      [
        "PREFIX/share/bash-completion/completions/s2tune",
        "HOME/.local/share/bash-completion/completions/s2tune",
      ]
    ),
    (
      "zsh",
      [
        "PREFIX/share/zsh/vendor-completions/_s2tune", "PREFIX/share/zsh/site-functions/_s2tune",
        "HOME/.zfunc/_s2tune",
      ]
    ),
    (
      "fish",
      [
        "PREFIX/share/fish/vendor_completions.d/s2tune.fish",
        "HOME/.config/fish/completions/s2tune.fish",
      ]
    ),
  ]

  private static func completion() -> Installation.Finding {
    let found = completions.filter { $0.files.contains(where: exists) }.map(\.shell)
    guard found.isEmpty else {
      let text = "completion for " + found.joined(separator: ", ")
      return Installation.Finding("shells", .good, text)
    }
    return Installation.Finding(
      "shells",
      .remark,
      "completion is in no usual place of bash, zsh or fish",
      remedy: "s2tune --generate-completion-script bash "
        + "> ~/.local/share/bash-completion/completions/s2tune"
    )
  }

  private static func manual() -> Installation.Finding {
    let files = ["PREFIX/share/man/man1/s2tune.1.gz", "PREFIX/share/man/man1/s2tune.1"]
    guard files.contains(where: exists) else {
      return Installation.Finding(
        "manual",
        .remark,
        "no manual page is installed beside the program",
        remedy: "s2tune help COMMAND says the same"
      )
    }
    return Installation.Finding("manual", .good, "man s2tune")
  }

  /// Whether a file exists, its folders those of this program and this user.
  private static func exists(_ file: String) -> Bool {
    let prefix = ProfileStore.executable().deletingLastPathComponent().deletingLastPathComponent()
    let home = FileManager.default.homeDirectoryForCurrentUser
    let path = file.replacing("PREFIX", with: prefix.path).replacing("HOME", with: home.path)
    return FileManager.default.fileExists(atPath: path)
  }
}
