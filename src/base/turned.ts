import { isPromise } from "./later.ts";

type Settled<T> = { readonly value: T } | { readonly error: unknown };

/**
 * A promise whose followers run as soon as it settles, and not in a microtask: for work whose turns somebody takes without
 * giving way to anybody, as a driver does that waits in the same thread. Whoever awaits it is a microtask later, as ever.
 */
export class Turned<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = "Turned";
  #settled: Settled<T> | null = null;
  #followers: (() => void)[] = [];

  resolve(value: T): void {
    this.#settle({ value });
  }

  reject(error: unknown): void {
    this.#settle({ error });
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise to all who ask
  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Turned<A | B> {
    const next = new Turned<A | B>();
    const follow = (): void => {
      const settled = this.#settled as Settled<T>;
      try {
        if ("value" in settled) {
          if (fulfilled) next.#follow(fulfilled(settled.value));
          else next.resolve(settled.value as unknown as A);
        } else if (rejected) next.#follow(rejected(settled.error));
        else next.reject(settled.error);
      } catch (error) {
        next.reject(error);
      }
    };
    if (this.#settled === null) this.#followers.push(follow);
    else follow();
    return next;
  }

  catch<B = never>(rejected?: ((error: unknown) => B | PromiseLike<B>) | null): Turned<T | B> {
    return this.then(null, rejected);
  }

  finally(settled?: (() => void) | null): Turned<T> {
    return this.then(
      (value) => {
        settled?.();
        return value;
      },
      (error) => {
        settled?.();
        throw error;
      },
    );
  }

  #follow(result: T | PromiseLike<T>): void {
    if (isPromise(result as T)) {
      (result as PromiseLike<T>).then(
        (value) => this.resolve(value),
        (error: unknown) => this.reject(error),
      );
    } else this.resolve(result as T);
  }

  #settle(settled: Settled<T>): void {
    if (this.#settled !== null) return;
    this.#settled = settled;
    const followers = this.#followers;
    this.#followers = [];
    for (const follow of followers) follow();
  }
}
