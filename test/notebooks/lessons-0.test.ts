import { testLessons } from "./lessons.ts";

testLessons(0);
