// A process that shows a picture in its terminal and ends in one of several ways.
import { TerminalDisplay } from "../../src/backends/display/terminal/index.ts";
import { motley, TestPicture } from "./test-picture.ts";

const display = new TerminalDisplay({ colours: "true" });
const shown = new TestPicture(80, 48);
shown.draw(motley);
shown.showOn(display);

switch (process.argv[2]) {
  case "listen":
    process.on("SIGINT", () => setTimeout(() => process.exit(7), 20));
    setTimeout(() => undefined, 8000);
    break;
  case "wait":
    setTimeout(() => undefined, 8000);
    break;
  case "exit":
    process.exit(3);
    break;
  case "throw":
    setTimeout(() => {
      throw new Error("as planned");
    }, 10);
    break;
  default:
    break;
}
