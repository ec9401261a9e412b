/** Guest memory that backs a resource. */
export { GuestPages } from "../../memory/guest-pages.ts";
