/* The variants of the native engine, the one to take by default first. */
BACKEND(fast)
BACKEND(ref)
