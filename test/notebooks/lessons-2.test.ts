import { testLessons } from "./lessons.ts";

testLessons(2);
