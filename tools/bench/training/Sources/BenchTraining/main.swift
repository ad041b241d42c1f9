import Glibc

// dlrun's side of tools/bench_training.py.
var commands = Commands()
while let line = readLine(), line != "quit" {
  do {
    print(try commands.answer(line.split(separator: " ")))
  } catch {
    let text = "\(error)".map { $0 == "\"" || $0 == "\\" ? "'" : $0 == "\n" ? " " : $0 }
    print("{\"error\": \"\(String(text))\"}")
  }
  fflush(nil)
}
